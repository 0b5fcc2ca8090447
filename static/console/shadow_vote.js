/* One key for each vote. */
const form = document.getElementById("sh-vote");

function isTyping(target) {
  return target.matches("input:not([type=hidden]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (!form || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const button = form.querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

// A second click before the next page is there is no second vote.
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
// Back to a page that the browser kept: it may be voted on again.
window.addEventListener("pageshow", () => delete form?.dataset.sent);
