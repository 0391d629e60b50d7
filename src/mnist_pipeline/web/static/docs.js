// The API's description, from openapi.json.

function element(name, properties = {}, ...inside) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...inside);
  return made;
}

const described = await (await fetch("/openapi.json")).json();
const schemas = described.components.schemas;

// A shape in words: its type, or the shapes that it may be.
function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(kind).join(" or ");
  if (schema.enum) return schema.enum.join(", ");
  if (schema.type === "array") return `list of ${kind(schema.items)}`;
  return schema.format === "binary" ? "bytes" : schema.type;
}

function table(head, rows) {
  const cells = (row, name) => element("tr", {}, ...row.map((cell) => element(name, {}, cell)));
  const made = element("table", {}, element("thead", {}, cells(head, "th")), element("tbody", {}, ...rows.map((row) => cells(row, "td"))));
  return element("div", { className: "scroll" }, made);
}

function code(text) {
  return element("code", {}, text);
}

function fields(name) {
  const shape = schemas[name];
  return Object.entries(shape.properties).map(([field, schema]) => [code(field), kind(schema), schema.description || ""]);
}

function example(path, method, operation) {
  const address = `${location.origin}${path}`;
  if (method === "get") return `curl ${address}`;
  const several = path.endsWith("/batch") ? "-F file=@7.png -F file=@4.png" : "-F file=@7.png";
  return `curl ${several} ${address}`;
}

function operation(path, method, told) {
  const parts = [element("p", {}, told.description || ""), element("pre", { tabIndex: 0 }, example(path, method, told))];
  if (told.parameters) {
    const rows = told.parameters.map((one) => [code(one.name), kind(one.schema), String(one.schema.default ?? ""), one.description || ""]);
    parts.push(element("h3", {}, "Parameters"), table(["name", "type", "default", "meaning"], rows));
  }
  if (told.requestBody) {
    const kinds = Object.entries(told.requestBody.content).map(([type, { schema }]) => {
      const inside = schema.properties ? Object.entries(schema.properties).map(([name, one]) => `${name}: ${kind(one)}`).join(", ") : kind(schema);
      return [code(type), inside];
    });
    parts.push(element("h3", {}, "Body"), table(["type", "what"], kinds));
  }
  const rows = Object.entries(told.responses).map(([status, one]) => {
    const [type, content] = Object.entries(one.content || {})[0] || ["", {}];
    return [status, one.description, kind(content.schema) || type];
  });
  parts.push(element("h3", {}, "Answers"), table(["status", "meaning", "shape"], rows));
  const shape = kind(told.responses["200"]?.content?.["application/json"]?.schema);
  if (schemas[shape]) parts.push(element("h3", {}, shape), table(["field", "type", "meaning"], fields(shape)));
  const title = element("summary", {}, element("span", { className: "method" }, method.toUpperCase()), code(path));
  return element("details", { className: "card", open: path === "/predict" }, title, ...parts);
}

document.getElementById("about").textContent = `${described.info.title} ${described.info.version}. ${described.info.description}`;
for (const [path, methods] of Object.entries(described.paths)) {
  for (const [method, told] of Object.entries(methods)) {
    document.getElementById("operations").append(operation(path, method, told));
  }
}
