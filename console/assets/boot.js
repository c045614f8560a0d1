// Loads the console. A file of its own, because the page's policy lets no script stand in the page itself.
import init from "{{glue}}";

init({ module_or_path: "{{wasm}}" }).catch((error) => {
  const note = document.getElementById("boot");
  if (note) {
    note.textContent = `The console did not start in this browser: ${error}. It needs WebAssembly; the command line and the API work without it.`;
  }
});
