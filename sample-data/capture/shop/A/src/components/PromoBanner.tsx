import { useEffect, useState } from 'react';

export function PromoBanner() {
  const [show, setShow] = useState(false);
  const [closed, setClosed] = useState(false);
  useEffect(() => {
    const open = setTimeout(() => setShow(true), 600);
    const close = setTimeout(() => setClosed(true), 2200);
    return () => {
      clearTimeout(open);
      clearTimeout(close);
    };
  }, []);
  return (
    <div className="promo-slot">
      {show && !closed ? (
        <div id="ad-banner" className="promo">
          Spring sale: 10% off every outlet kettle <button onClick={() => setClosed(true)}>Close</button>
        </div>
      ) : null}
    </div>
  );
}
