// A button with data-replace puts data-replace-with in its place, in the field that data-replace-in names.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-replace]");
  if (!button) return;
  const field = document.querySelector(button.dataset.replaceIn);
  field.value = field.value.replaceAll(button.dataset.replace, () => button.dataset.replaceWith);
  field.focus();
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
