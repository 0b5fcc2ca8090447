// The theme that was chosen in the console, before the page is drawn; without one, the system's.
try {
  const theme = JSON.parse(localStorage.getItem("adminTheme") ?? '"auto"');
  if (theme === "dark" || theme === "light") document.documentElement.classList.add(theme);
} catch {
  // Nothing is kept here.
}
