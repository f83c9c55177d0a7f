// A page with Sentry's own SDK and its session replay: a button that changes the page, calls the server and fails.
import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: `http://00000000000000000000000000000042@${location.host}/42`,
  release: "shop@2.1",
  environment: "production",
  initialScope: { tags: { session_id: "s-1" } },
  integrations: [
    Sentry.replayIntegration({
      maskAllText: false,
      minReplayDuration: 0,
      useCompression: !location.search.includes("plain"),
    }),
  ],
  replaysSessionSampleRate: 1,
});

document.querySelector("#buy").addEventListener("click", () => {
  document.querySelector("#total").textContent = "sold";
  fetch("/api/cart/7").then(() => {
    throw new TypeError("Cannot read properties of undefined (reading 'amount')");
  });
});
window.replay = () => Sentry.getReplay();
