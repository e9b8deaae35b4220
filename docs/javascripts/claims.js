// Fields above the tables of propositions that keep the rows of a paper, a mechanism or a verdict. Without them, all rows show.
document.addEventListener("DOMContentLoaded", () => {
  const headings = (table) => [...table.querySelectorAll("th")].map((cell) => cell.textContent.trim());
  const tables = [...document.querySelectorAll("article table")].filter(
    (table) => ["claim", "mechanism", "verdict"].every((name) => headings(table).includes(name)));
  if (!tables.length) return;
  const rows = tables.flatMap((table) => {
    const columns = headings(table);
    return [...table.querySelectorAll("tbody tr")].map((row) => {
      const cell = (name) => row.cells[columns.indexOf(name)];
      return {
        row,
        paper: cell("claim").textContent.match(/S\d{3}/g) ?? [],
        mechanism: [cell("mechanism").textContent.trim()],
        verdict: [cell("verdict").querySelector("strong").textContent],
      };
    });
  });
  const form = document.createElement("form");
  const names = ["paper", "mechanism", "verdict"];
  const fields = names.map((name) => {
    const select = document.createElement("select");
    select.id = `claims-${name}`;
    select.style.cssText = "font: inherit; color: inherit; background: inherit; border: 1px solid; max-width: 14em";
    const values = [...new Set(rows.flatMap((each) => each[name]))].sort();
    for (const value of ["", ...values]) select.add(new Option(value || "all", value));
    const label = document.createElement("label");
    label.htmlFor = select.id;
    label.append(`${name} `);
    const pair = document.createElement("span");
    pair.style.cssText = "display: inline-block; white-space: nowrap; margin-right: 1.5em";
    pair.append(label, select);
    form.append(pair);
    return select;
  });
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const keep = () => {
    let kept = 0;
    for (const each of rows) {
      each.row.hidden = !names.every((name, place) => !fields[place].value || each[name].includes(fields[place].value));
      kept += !each.row.hidden;
    }
    status.textContent = `${kept} of ${rows.length} claims`;
  };
  form.append(status);
  form.addEventListener("change", keep);
  let place = tables[0];
  while (!place.parentElement.matches("article")) place = place.parentElement;
  while (place.tagName !== "H2") place = place.previousElementSibling;
  place.after(form);
  keep();
});
