/* Before the first picture: looks that were chosen in this browser (src/state/settings.ts keeps
 * them), so that nothing flashes while the page's scripts come. */
try {
  const { theme, isSidebarOpen } = JSON.parse(localStorage.getItem('tiefsee.settings') ?? '{}');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  if (isSidebarOpen === false) document.documentElement.dataset.sidebar = 'closed';
} catch {
  // no storage here: as the system has it
}
