// Draws at most once per frame, whatever came in between. A page that is hidden gets no frames, and its title is all that is
// seen of it: it is drawn by the clock.

/** A hidden page is drawn this long after a change. */
export const HIDDEN_MS = 250;

/**
 * @param {object} parts
 * @param {() => void} parts.draw
 * @param {() => boolean} parts.isHidden
 * @param {(run: () => void) => unknown} parts.requestFrame
 * @param {(run: () => void, ms: number) => unknown} parts.setTimeout
 * @returns {() => void} asks for a drawing; also when the page was hidden or shown
 */
export function redrawer({ draw, isHidden, requestFrame, setTimeout }) {
  const asked = { frame: false, clock: false };
  let wanted = false;
  const due = (by) => () => {
    asked[by] = false;
    if (!wanted) return;
    wanted = false;
    draw();
  };
  const ask = (by, wait) => {
    if (asked[by]) return;
    asked[by] = true;
    wait(due(by));
  };
  return () => {
    wanted = true;
    // The clock, even if a frame was asked for: the page may have been hidden since, and then none comes.
    if (isHidden()) ask("clock", (run) => setTimeout(run, HIDDEN_MS));
    else ask("frame", requestFrame);
  };
}
