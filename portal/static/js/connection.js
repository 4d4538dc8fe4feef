// Says so when htmx gets no answer, until it gets one again.
(() => {
  const show = (lost) => {
    document.querySelector("#connection-lost").hidden = !lost;
  };
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && !event.detail.ctx.response) show(true);
  });
  document.addEventListener("htmx:after:request", () => show(false));
})();
