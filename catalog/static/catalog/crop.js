// The frame around a part of a photo: drawn, moved and resized by pointer, finger or arrow keys.

const SMALLEST = 0.05; // of a side
const STEP = 0.02, LARGE = 0.1; // of a side: an arrow key, and with Shift
const FIRST = [0.15, 0.15, 0.7, 0.7];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const within = (value, least, most) => Math.min(most, Math.max(least, value));

export class Crop {
  /** `area`: the element around the photo; `frame`: the element of the frame in it; `changed(box)`: called as it moves. */
  constructor(area, frame, changed) {
    this.area = area;
    this.frame = frame;
    this.changed = changed;
    this.box = null; // x, y, width and height in fractions of the photo
    this.enabled = false;
    area.addEventListener("pointerdown", (event) => this.grab(event));
    frame.addEventListener("keydown", (event) => this.key(event));
    frame.addEventListener("click", (event) => event.preventDefault());
  }

  show(box) {
    this.box = box;
    this.frame.hidden = !box;
    if (!box) return;
    const [left, top, width, height] = box.map((each) => `${each * 100}%`);
    Object.assign(this.frame.style, { left, top, width, height });
  }

  begin() {
    this.set(FIRST);
    this.frame.querySelector("[data-move]").focus();
  }

  set(box) {
    this.show(box);
    this.changed(box);
  }

  move(dx, dy) {
    const [x, y, w, h] = this.box;
    this.set([within(x + dx, 0, 1 - w), within(y + dy, 0, 1 - h), w, h]);
  }

  /** Move the corner that is right (`ox` 1) or left (0), lower (`oy` 1) or upper (0). */
  resize(ox, oy, dx, dy) {
    let [left, top, w, h] = this.box;
    let right = left + w, bottom = top + h;
    if (ox) right = within(right + dx, left + SMALLEST, 1); else left = within(left + dx, 0, right - SMALLEST);
    if (oy) bottom = within(bottom + dy, top + SMALLEST, 1); else top = within(top + dy, 0, bottom - SMALLEST);
    this.set([left, top, right - left, bottom - top]);
  }

  key(event) {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE : STEP;
    this.by(event.target, arrow[0] * step, arrow[1] * step);
  }

  by(target, dx, dy) {
    if (target.classList.contains("handle")) this.resize(Number(target.dataset.x), Number(target.dataset.y), dx, dy);
    else this.move(dx, dy);
  }

  grab(event) {
    if (!this.enabled || event.button !== 0) return;
    event.preventDefault();
    const bounds = this.area.getBoundingClientRect();
    const at = (one) => [within((one.clientX - bounds.left) / bounds.width, 0, 1), within((one.clientY - bounds.top) / bounds.height, 0, 1)];
    let [lastX, lastY] = at(event);
    let target = event.target.closest(".handle, [data-move]");
    if (!target) { // a new frame, drawn from here
      const x = within(lastX, 0, 1 - SMALLEST), y = within(lastY, 0, 1 - SMALLEST);
      this.drawing = [x, y, SMALLEST, SMALLEST];
      target = this.frame.querySelector('[data-x="1"][data-y="1"]');
    }
    target.focus({ preventScroll: true });
    this.area.setPointerCapture(event.pointerId);
    const moved = (one) => {
      const [x, y] = at(one);
      if (this.drawing) { this.show(this.drawing); this.drawing = null; lastX = this.box[0] + SMALLEST; lastY = this.box[1] + SMALLEST; }
      this.by(target, x - lastX, y - lastY);
      [lastX, lastY] = [x, y];
    };
    const ended = () => {
      this.drawing = null;
      this.area.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) this.area.removeEventListener(name, ended);
    };
    this.area.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) this.area.addEventListener(name, ended);
  }
}
