// Stands in for react-style-singleton, which appends <style> elements: our content policy forbids those. A constructed
// style sheet does the same and needs no exception. Used while a dialog is open, to keep the page behind it still.
import { useEffect } from "react";

export const stylesheetSingleton = () => {
  const sheet = new CSSStyleSheet();
  let users = 0;
  return {
    add(style) {
      if (users++ === 0) {
        sheet.replaceSync(style);
        document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
      }
    },
    remove() {
      if (--users === 0) {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
      }
    },
  };
};

export const styleHookSingleton = () => {
  const sheet = stylesheetSingleton();
  return (styles) => {
    useEffect(() => {
      sheet.add(styles);
      return () => sheet.remove();
    }, [styles]);
  };
};

export const styleSingleton = () => {
  const useStyle = styleHookSingleton();
  return ({ styles }) => {
    useStyle(styles);
    return null;
  };
};
