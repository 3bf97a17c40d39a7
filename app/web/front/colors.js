// A colour field: the suggested colours and the browser's own picker agree on what is chosen.
import { whenever } from "./enhance.js";

whenever("[data-colors]", (field) => {
  const picker = field.querySelector("input[type=color]");
  const radios = [...field.querySelectorAll("input[type=radio]")];
  const own = radios.find((radio) => !radio.value);
  field.addEventListener("change", (event) => { if (event.target.type === "radio" && event.target.value) picker.value = event.target.value; });
  picker.addEventListener("input", () => {
    (radios.find((radio) => radio.value === picker.value && !radio.disabled) || own).checked = true;
  });
});
