// The two days are asked for only when neither the last days nor today are wanted.
const form = document.getElementById("analytics-form");
const days = form?.elements.namedItem("days");

function show() {
  for (const name of ["first", "last"]) {
    form.elements.namedItem(name).closest(".kn-field").hidden = days.value !== "custom";
  }
}

if (days) {
  days.addEventListener("change", show);
  show();
}
