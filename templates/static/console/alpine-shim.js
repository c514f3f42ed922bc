// Lets the console's skin run on Alpine's CSP build, which knows neither globals nor statements in attributes.
//
// Loaded before Alpine. The functions theme, searchForm and searchDropdown come from the skin's own app.js.

// Attributes whose expressions the CSP build cannot read, and the method that does the same.
const REWRITTEN = {
  "x-on:keydown.enter.prevent": [["if (!$event.metaKey", "selectPlain($event)"]],
};

function rewriteAttributes() {
  for (const [attribute, rules] of Object.entries(REWRITTEN)) {
    for (const element of document.querySelectorAll(`[${CSS.escape(attribute)}]`)) {
      const value = element.getAttribute(attribute).trim();
      const rule = rules.find(([start]) => value.startsWith(start));
      if (rule) {
        element.setAttribute(attribute, rule[1]);
      }
    }
  }
}

// The skin gives the palette's field the focus after 20 ms, which a busy machine needs to show it: hidden, it takes none.
function focusOnceShown(field, framesLeft = 120) {
  if (field.getClientRects().length > 0) {
    field.focus();
  } else if (framesLeft > 0) {
    requestAnimationFrame(() => focusOnceShown(field, framesLeft - 1));
  }
}

document.addEventListener("alpine:init", () => {
  rewriteAttributes();
  Alpine.data("theme", theme);
  Alpine.data("searchForm", searchForm);
  Alpine.data("searchDropdown", searchDropdown);
  Alpine.data("searchCommand", () => ({
    ...searchCommand(),
    handleOpen() {
      searchCommand().handleOpen.call(this);
      focusOnceShown(this.$refs.searchInputCommand);
    },
    selectPlain(event) {
      if (!event.metaKey && !event.ctrlKey) {
        this.selectItem(false, false);
      }
    },
  }));
  Alpine.data("consoleBody", () => ({
    activeTab: "",
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem("sidebarDesktopOpen") !== "0",
    // Read by the skin's form template to keep the open tab in the address.
    window: { location: { pathname: window.location.pathname, search: window.location.search } },
    init() {
      this.activeTab = getCurrentTab() || this.$el.dataset.activeTab || "";
    },
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
      localStorage.setItem("sidebarDesktopOpen", this.sidebarDesktopOpen ? "1" : "0");
    },
  }));
});
