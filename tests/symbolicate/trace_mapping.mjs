// Answers positions with @jridgewell/trace-mapping: [{raw: base64, positions: [[line, column], ...]}, ...] on stdin.
import { AnyMap, traceSegment } from '@jridgewell/trace-mapping';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);

const answers = JSON.parse(Buffer.concat(chunks)).map(({ raw, positions }) => {
  try {
    const map = new AnyMap(JSON.parse(new TextDecoder().decode(Buffer.from(raw, 'base64'))));
    return positions.map(([line, column]) => {
      const segment = traceSegment(map, line, column);
      if (!segment || segment.length === 1) return null;
      const [, source, originalLine, originalColumn, name] = segment;
      return [source, originalLine, originalColumn, name === undefined ? null : map.names[name]];
    });
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
});
console.log(JSON.stringify(answers));
