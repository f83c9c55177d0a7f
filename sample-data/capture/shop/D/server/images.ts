const HERO_LEAVES = 1000;
const SHOT_LEAVES = 520;

function leaves(count: number, width: number, height: number, seed: number): string {
  let state = seed;
  const next = (limit: number) => (state = (state * 48271) % 2147483647) % limit;
  const leaf = () =>
    `<path d="M${next(width)} ${next(height)}q${next(40)} ${next(30) - 15} ${next(60)} ${next(20)}` +
    `t${next(50) - 25} ${next(40)}z" fill="hsl(${80 + next(60)} ${30 + next(40)}% ${25 + next(45)}%)" ` +
    `opacity=".${3 + next(6)}"/>`;
  return Array.from({ length: count }, leaf).join('');
}

function svg(width: number, height: number, colour: string, drawing: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">` +
    `<rect width="${width}" height="${height}" fill="${colour}"/>${drawing}</svg>`
  );
}

const colourOf = (id: number) => `hsl(${(id * 47) % 360} 55% 68%)`;

const hero = svg(960, 320, '#f3ead7', leaves(HERO_LEAVES, 960, 320, 7));
const shot = (id: number) => svg(640, 420, colourOf(id), leaves(SHOT_LEAVES, 640, 420, id + 11));
const tile = (id: number) => svg(220, 160, colourOf(id), leaves(8, 220, 160, id + 11));

export function image(name: string): string {
  if (name === 'hero.svg') return hero;
  const id = parseInt(name.replace('shot-', ''), 10);
  return name.startsWith('shot-') ? shot(id) : tile(id);
}
