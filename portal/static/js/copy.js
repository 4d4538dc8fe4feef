// A button with data-copy (text) or data-copy-from (selector) copies, and says so beside its icon and aloud.
(() => {
  const SHOWN_FOR_MS = 2000;

  // navigator.clipboard exists only under HTTPS and on localhost.
  const copyBySelection = (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) throw new Error("the browser does not let this page copy");
  };

  const copy = async (text) => {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
  };

  const confirm = (button) => {
    const label = button.querySelector("span");
    const before = button.dataset.label ?? label.textContent;
    button.dataset.label = before;
    label.textContent = button.dataset.copied;
    document.querySelector("#announcement").textContent = button.dataset.copied;
    setTimeout(() => {
      label.textContent = before;
      document.querySelector("#announcement").textContent = "";
    }, SHOWN_FOR_MS);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy], button[data-copy-from]");
    if (!button) return;
    const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
    await copy(source ? source.textContent.trim() : button.dataset.copy);
    button.focus();
    confirm(button);
  });
})();
