// CKEditor as this panel needs it: fields as chips, pictures through our own address, nothing that the page's policy forbids.
import {
  Alignment, Autoformat, AutoImage, AutoLink, BlockQuote, Bold, ClassicEditor, Essentials, FileRepository, Font, GeneralHtmlSupport,
  Heading, HorizontalLine, Image as Pictures, ImageInsert, ImageResize, ImageTextAlternative, ImageUpload, Italic, Link, LinkImage, List, Notification,
  Paragraph, PasteFromOffice, PlainTableOutput, Plugin, RemoveFormat, Strikethrough, Table, TableToolbar, Underline, Widget,
  ViewUpcastWriter, toWidget, viewToModelPositionOutsideModelElement,
} from "ckeditor5";
import polish from "ckeditor5/translations/pl.js";
import { STYLE, fromEditor, readField, toEditor, withStyle, withoutStyle } from "./html.js";

/** Looks as the policy allows them: set by script on the page, under another name wherever HTML is read and written. */
class StyleByScript extends Plugin {
  init() {
    const { editing, data } = this.editor;
    const shown = editing.view.domConverter;
    const set = shown.setDomElementAttribute.bind(shown);
    shown.setDomElementAttribute = (element, name, value, ...rest) => {
      if (name === "style") element.style.cssText = value; else set(element, name, value, ...rest);
    };
    const { processor } = data;
    const written = processor.domConverter;
    const write = written.setDomElementAttribute.bind(written);
    written.setDomElementAttribute = (element, name, ...rest) => write(element, name === "style" ? STYLE : name, ...rest);
    const [toView, toData] = [processor.toView.bind(processor), processor.toData.bind(processor)];
    processor.toData = (fragment) => withStyle(toData(fragment));
    processor.toView = (html) => {
      const fragment = toView(withoutStyle(html));
      const writer = new ViewUpcastWriter(editing.view.document);
      for (const { item } of writer.createRangeIn(fragment)) {
        if (!item.is("element") || !item.hasAttribute(STYLE)) continue;
        writer.setAttribute("style", item.getAttribute(STYLE), item);
        writer.removeAttribute(STYLE, item);
      }
      return fragment;
    };
  }
}

/** {{ first_name }} as one thing that is moved and deleted as a whole. */
class MergeFields extends Plugin {
  static get requires() { return [Widget]; }

  init() {
    const { editor } = this;
    const names = new Map(editor.config.get("muster.fields"));
    editor.model.schema.register("mergeField", { inheritAllFrom: "$inlineObject", allowAttributes: ["source"], allowAttributesOf: "$text" });
    editor.conversion.for("upcast").elementToElement({
      view: { name: "merge-field", attributes: ["data-merge"] }, converterPriority: "highest",
      model: (element, { writer }) => writer.createElement("mergeField", { source: element.getAttribute("data-merge") }),
    });
    editor.conversion.for("editingDowncast").elementToElement({
      model: "mergeField",
      view(element, { writer }) {
        const source = element.getAttribute("source");
        const field = readField(source);
        const chip = writer.createContainerElement("span", { class: "merge-chip", title: source });
        const shown = field ? `${names.get(field.name) || field.name.replace(/^attributes\./, "")}${field.fallback ? ` · ${field.fallback}` : ""}` : source;
        writer.insert(writer.createPositionAt(chip, 0), writer.createText(shown));
        return toWidget(chip, writer, { label: shown });
      },
    });
    editor.conversion.for("dataDowncast").elementToElement({
      model: "mergeField", 
      view(element, { writer }) { // not empty, or the blank before it would become a hard one
        const field = writer.createContainerElement("merge-field", { "data-merge": element.getAttribute("source") });
        writer.insert(writer.createPositionAt(field, 0), writer.createText("field"));
        return field;
      },
    });
    editor.editing.mapper.on("viewToModelPosition", viewToModelPositionOutsideModelElement(editor.model, (element) => element.hasClass("merge-chip")));
    const { processor } = editor.data;
    processor.domConverter.inlineObjectElements.push("merge-field");
    const [toView, toData] = [processor.toView.bind(processor), processor.toData.bind(processor)];
    processor.toView = (html) => toView(toEditor(html));
    processor.toData = (fragment) => fromEditor(toData(fragment));
  }
}

const WIDE = 600; // points: wider than most mail programs show a message

/** Sends a picture to the panel; a refusal says what to do. What is wider than a message takes its whole width. */
class PictureUpload extends Plugin {
  static get requires() { return [FileRepository]; }

  afterInit() {
    const { model, plugins } = this.editor;
    plugins.get("ImageUploadEditing").on("uploadComplete", (_event, { data, imageElement }) => {
      const picture = new Image();
      picture.onload = () => {
        if (picture.naturalWidth > WIDE && imageElement.root.rootName !== "$graveyard") model.change((writer) => writer.setAttribute("resizedWidth", "100%", imageElement));
      };
      picture.src = data.default;
    });
  }

  init() {
    const { address, words } = this.editor.config.get("muster");
    this.editor.plugins.get(FileRepository).createUploadAdapter = (loader) => {
      const stop = new AbortController();
      return {
        async upload() {
          const data = new FormData();
          data.append("image", await loader.file);
          const token = document.querySelector("meta[name=csrf-token]").content;
          const answer = await fetch(address, { method: "POST", body: data, signal: stop.signal, headers: { "X-CSRFToken": token, Accept: "application/json" } })
            .catch(() => { throw words.no_answer; });
          const said = await answer.json().catch(() => ({}));
          if (!answer.ok || !said.url) throw said.message || words.picture_failed;
          return { default: said.url };
        },
        abort() { stop.abort(); },
      };
    };
  }
}

/** A rich editor in the place; say(words) tells what failed. */
export async function makeRich(place, html, { told, label, say }) {
  const pictures = told.image ? [AutoImage, ImageInsert, ImageUpload, PictureUpload] : [];
  const editor = await ClassicEditor.create(place, {
    licenseKey: "GPL",
    plugins: [StyleByScript, MergeFields, Alignment, Autoformat, AutoLink, BlockQuote, Bold, Essentials, Font, GeneralHtmlSupport, Heading, HorizontalLine,
      Pictures, ImageResize, ImageTextAlternative, Italic, Link, LinkImage, List, Notification, Paragraph, PasteFromOffice, PlainTableOutput, RemoveFormat,
      Strikethrough, Table, TableToolbar, Underline, ...pictures],
    toolbar: { items: ["undo", "redo", "|", "heading", "|", "bold", "italic", "underline", "link", "|", "bulletedList", "numberedList", "alignment", "|",
      "fontColor", "fontBackgroundColor", "fontSize", "|", ...(told.image ? ["insertImage"] : []), "insertTable", "blockQuote", "horizontalLine", "|", "strikethrough", "removeFormat"] },
    fontSize: { options: [12, 14, "default", 18, 22, 28], supportAllValues: true },
    image: { toolbar: ["imageTextAlternative", "linkImage", "|", "resizeImage"], insert: { type: "inline", integrations: ["upload", "url"] } },
    table: { contentToolbar: ["tableColumn", "tableRow", "mergeTableCells"] },
    link: { defaultProtocol: "https://", allowedProtocols: ["https?", "mailto", "tel", "sms"] },
    htmlSupport: { allow: [{ name: /.*/, attributes: true, classes: true, styles: true }], disallow: [{ name: /^(script|iframe|object|embed|form|input|button|select|textarea)$/ }, { attributes: [{ key: /^on.*/, value: true }] }] },
    language: { ui: document.documentElement.lang === "pl" ? "pl" : "en", content: document.documentElement.lang || "en" },
    ...(document.documentElement.lang === "pl" ? { translations: [polish] } : {}),
    muster: { fields: told.fields, address: told.image, words: told.words },
    initialData: html, label,
  });
  editor.plugins.get(Notification).on("show:warning", (event, { message }) => { say(String(message)); event.stop(); }, { priority: "high" });
  return editor;
}

/** Put a field where the cursor stands. */
export function insertInto(editor, source) {
  const place = editor.model.document.selection.getFirstRange(); // the focus takes the cursor to the beginning
  editor.editing.view.focus();
  editor.model.change((writer) => {
    writer.setSelection(place);
    const attributes = Object.fromEntries(editor.model.document.selection.getAttributes());
    const made = writer.createElement("mergeField", { ...attributes, source });
    editor.model.insertContent(made);
    writer.setSelection(made, "after");
  });
  editor.editing.view.scrollToTheSelection();
}
