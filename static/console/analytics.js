// Where a chart is wider than the page, the newest days are what is looked for.
for (const chart of document.querySelectorAll(".an-chart")) {
  chart.parentElement.scrollLeft = chart.parentElement.scrollWidth;
}

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
