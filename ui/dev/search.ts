// Answers for the search: any part of a number, a name or a serial number; `yf` is 云帆. Words of the address: `found=many`.
import type { ApplicationRow, ApplicationView, CertificateView, Home, NoticesView, SearchView } from "../src/bindings";
import type { Answers } from "./fake";

export function searchAnswers(wanted: URLSearchParams, home: Home, answers: Answers): Answers {
  return {
    search: ({ question }: { question: string }): SearchView => {
      const piece = question.toLowerCase() === "yf" ? "云帆" : question;
      const pieces = [piece];
      const fits = (...texts: (string | null | undefined)[]) => texts.some((text) => text?.toLowerCase().includes(piece.toLowerCase()));
      const views = home.session ? (answers.applications!({}) as ApplicationView[]) : [];
      const row = ({ application: { id, number, business, state, next_actor, particulars, certificate_subject, history } }: ApplicationView): ApplicationRow => ({ id, number, business, state, next_actor, particulars, certificate_subject, changed_at: history.at(-1)?.at ?? null });
      const handler = fits("王䶮");
      const applications = views.filter(({ application }) => handler || fits(application.number, application.certificate_subject)).map((view) => ({ application: row(view), pieces, said: handler ? "王䶮" : null }));
      const certificates = (answers.certificates!({}) as CertificateView[]).filter(({ holder, serial }) => fits(holder, serial)).map(({ fingerprint, holder, serial, not_after, status }) => ({ fingerprint, holder, serial, not_after, status, pieces }));
      const notices = home.session ? (answers.notices!({}) as NoticesView).notices.filter(({ subject }) => fits(subject.kind === "application" ? subject.number : subject.subject)).map((notice) => ({ notice, pieces })) : [];
      const drafts = home.session ? home.drafts.filter(() => handler || fits("草稿")).map((draft) => ({ draft, pieces, said: handler ? "王䶮" : null })) : [];
      return { applications: applications.slice(0, 5), more_applications: wanted.get("found") === "many" || applications.length > 5, drafts, certificates, more_certificates: false, notices: notices.slice(0, 5), more_notices: notices.length > 5 };
    },
  };
}
