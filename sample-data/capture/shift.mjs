// Moves every absolute time in a record by the same milliseconds, whatever its unit, and touches nothing else.
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const VITAL_ID = /^(v\d+-)(\d{13})(-.*)$/;
const NANOSECONDS = /^\d{19}$/;
const HOUR = 3_600_000;

/** @param {number} from @param {number} until when the run took place, epoch ms: only times within it are times */
export function shifterFor(from, until) {
  const within = (milliseconds) => milliseconds > from - HOUR && milliseconds < until + HOUR;

  function number(value, shift) {
    if (within(value)) return Math.round((value + shift) * 1000) / 1000;
    if (within(value * 1000)) return Math.round((value + shift / 1000) * 1e6) / 1e6;
    return value;
  }

  function text(value, shift) {
    if (ISO.test(value)) return within(Date.parse(value)) ? new Date(Date.parse(value) + shift).toISOString() : value;
    if (NANOSECONDS.test(value) && within(Number(value.slice(0, 13))))
      return String(BigInt(value) + BigInt(shift) * 1_000_000n);
    return value.replace(VITAL_ID, (_, head, time, tail) => head + (Number(time) + shift) + tail);
  }

  return function shifted(value, shift) {
    if (typeof value === 'number') return number(value, shift);
    if (typeof value === 'string') return text(value, shift);
    if (Array.isArray(value)) return value.map((item) => shifted(item, shift));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shifted(item, shift)]));
  };
}
