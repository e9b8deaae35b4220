// Fields above the tables of propositions that keep the rows of a paper, a mechanism or a verdict. Without them, all rows show.
document.addEventListener("DOMContentLoaded", () => {
  const named = (table) => [...table.querySelectorAll("th")].map((cell) => cell.textContent.trim());
  const tables = [...document.querySelectorAll("article table")].filter(
    (table) => ["claim", "mechanism", "verdict"].every((name) => named(table).includes(name)));
  if (!tables.length) return;
  const rows = tables.flatMap((table) => {
    const names = named(table);
    return [...table.querySelectorAll("tbody tr")].map((row) => {
      const cell = (name) => row.cells[names.indexOf(name)];
      return {
        row,
        paper: cell("claim").textContent.match(/S\d{3}/g) ?? [],
        mechanism: [cell("mechanism").textContent.trim()],
        verdict: [cell("verdict").querySelector("strong").textContent],
      };
    });
  });
  const fields = ["paper", "mechanism", "verdict"].map((name) => {
    const select = document.createElement("select");
    select.name = name;
    const values = [...new Set(rows.flatMap((each) => each[name]))].sort();
    for (const value of ["", ...values]) select.add(new Option(value || "all", value));
    return select;
  });
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const keep = () => {
    let kept = 0;
    for (const each of rows) {
      each.row.hidden = !fields.every((field) => !field.value || each[field.name].includes(field.value));
      kept += !each.row.hidden;
    }
    status.textContent = `${kept} of ${rows.length} claims`;
  };
  const form = document.createElement("form");
  for (const field of fields) {
    const label = document.createElement("label");
    label.style.marginRight = "1.5em";
    label.append(`${field.name} `, field);
    field.style.cssText = "font: inherit; color: inherit; background: inherit; border: 1px solid; padding: 0.1em 0.3em; max-width: 14em";
    form.append(label);
  }
  form.append(status);
  form.addEventListener("change", keep);
  let place = tables[0];
  while (!place.parentElement.matches("article")) place = place.parentElement;
  while (place.tagName !== "H2") place = place.previousElementSibling;
  place.after(form);
  keep();
});
