import { useEffect, useRef } from 'react';

/** A title that keeps a little air below itself, however it wraps. */
export function FitTitle({ text }: { text: string }) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    const title = ref.current!;
    let steps = 0;
    const observer = new ResizeObserver(() => {
      if (steps++ < 3) title.style.height = `${title.offsetHeight + 2}px`;
    });
    observer.observe(title);
    return () => observer.disconnect();
  }, []);
  return <h1 ref={ref}>{text}</h1>;
}
