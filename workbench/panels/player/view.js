// Widget: the HTML of a panel, drawn again whenever the kernel sends another.
import { assetsOf } from "./live.js";
import { enhance } from "./page.js";

export default {
  render({ model, el }) {
    let leave = () => {};
    const draw = () => {
      leave();
      const page = document.createElement("div");
      page.className = "bs";
      page.innerHTML = model.get("html"); // escaped by the kernel (markup.py); scripts in it do not run
      el.replaceChildren(page);
      leave = enhance(page, assetsOf(model));
    };
    model.on("change:html", draw);
    draw();
    return () => { model.off("change:html", draw); leave(); };
  },
};
