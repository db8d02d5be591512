// Texts of the four-step guide.
export default { guide: {} };
