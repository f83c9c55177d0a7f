// Widget: one recording, steered and read from Python.
import { assetsOf } from "./live.js";
import { mountReplay } from "./host.js";

export default {
  async render({ model, el }) {
    const holder = document.createElement("div");
    holder.className = "bs bs-replay";
    el.append(holder);
    const load = () => {
      const { buffer, byteOffset, byteLength } = model.get("events_gz");
      return { gz: buffer.slice(byteOffset, byteOffset + byteLength), at: model.get("at"), marks: model.get("marks") };
    };
    const player = mountReplay(holder, await assetsOf(model).player(), load, (message) => {
      if (message.op === "time") model.set("current_ms", message.t);
      else if (message.op === "ready" || message.op === "error") model.set("state", message.op);
      else return;
      model.save_changes();
    });
    const reload = () => player.reload();
    const seek = () => player.seek(model.get("at"));
    model.on("change:events_gz change:marks", reload);
    model.on("change:at", seek);
    return () => { model.off("change:events_gz change:marks", reload); model.off("change:at", seek); player.destroy(); };
  },
};
