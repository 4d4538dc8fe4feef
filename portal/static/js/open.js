// Opens what a call hands to the browser: once, when its card arrives as the answer to the click.
document.addEventListener("htmx:after:swap", () => {
  const card = document.querySelector("#call-card [data-open-url]");
  if (!card) return;
  const { openUrl, openMode } = card.dataset;
  delete card.dataset.openUrl;
  if (openMode === "window") {
    // A browser opens windows only for a click of the last few seconds. With "noopener" it does
    // not tell whether it did, so ask before.
    const blocked = navigator.userActivation && !navigator.userActivation.isActive;
    window.open(openUrl, "_blank", "noopener");
    card.querySelector("[data-open-blocked]").hidden = !blocked;
  } else {
    window.location.href = openUrl;
  }
});
