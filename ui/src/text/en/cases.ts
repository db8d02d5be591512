// Texts of applications, issuance, certificates and the demo desk.
export default { cases: {} };
