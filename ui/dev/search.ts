// Answers for lists of applications and for the search: any part of a number, a name or a serial number; `yf` is 云帆. Words of the address: `found=many`.
import type { ApplicationCount, ApplicationQuery, ApplicationRow, ApplicationView, CertificateView, Home, NoticesView, SearchView } from "../src/bindings";
import type { Answers } from "./fake";

export function searchAnswers(wanted: URLSearchParams, home: Home, answers: Answers): Answers {
  const row = ({ application: { id, number, business, state, next_actor, particulars, certificate_subject, history } }: ApplicationView): ApplicationRow => ({ id, number, business, state, next_actor, particulars, certificate_subject, changed_at: history.at(-1)?.at ?? null });
  const turn = { applicant: 0, service: 1, nobody: 2 };
  const many = Number(wanted.get("many") ?? 0);
  const yearOf = ({ application }: ApplicationView) => application.history[0]?.at.slice(0, 4) ?? "";
  /** `many=100000`: so many of the same. */
  function mine(): ApplicationView[] {
    const some = answers.applications!({}) as ApplicationView[];
    const more = Array.from({ length: many }, (_, i): ApplicationView => ({ ...some[0]!, application: { ...some[0]!.application, id: `id-${i}`, number: `CD20251101${String(i).padStart(6, "0")}` } }));
    return [...some, ...more].sort((a, b) => turn[a.application.next_actor] - turn[b.application.next_actor] || (row(b).changed_at ?? "").localeCompare(row(a).changed_at ?? ""));
  }
  let kept: ApplicationView[] | null = null;
  const said = (view: ApplicationView, words: string) => words.split(/\s+/).every((word) => `${view.application.number} ${view.application.certificate_subject} ${view.application.handler?.person.name}`.includes(word));
  return {
    refresh_applications: () => void (kept = mine()),
    application_page: ({ query }: { query: ApplicationQuery }) => {
      const all = (kept ??= mine()).filter((view) => said(view, query.words) && (query.business ?? view.application.business) === view.application.business && (query.state ?? view.application.state) === view.application.state && (query.year ?? yearOf(view)) === yearOf(view));
      const from = Number(query.from ?? 0);
      return { rows: all.slice(from, from + 50).map(row), next: all.length > from + 50 ? String(from + 50) : null };
    },
    application_counts: ({ words }: { words: string }): ApplicationCount[] => {
      const alike = new Map<string, ApplicationCount>();
      for (const view of (kept ??= mine()).filter((one) => said(one, words))) {
        const { business, state, next_actor } = view.application;
        const key = [business, state, yearOf(view)].join();
        const one = alike.get(key) ?? { business, state, year: yearOf(view), count: 0, yours: 0 };
        alike.set(key, { ...one, count: one.count + 1, yours: one.yours + (next_actor === "applicant" ? 1 : 0) });
      }
      return [...alike.values()];
    },
    search: ({ question }: { question: string }): SearchView => {
      const piece = question.toLowerCase() === "yf" ? "云帆" : question;
      const pieces = [piece];
      const fits = (...texts: (string | null | undefined)[]) => texts.some((text) => text?.toLowerCase().includes(piece.toLowerCase()));
      const views = home.session ? (answers.applications!({}) as ApplicationView[]) : [];
      const handler = fits("王䶮");
      const applications = views.filter(({ application }) => handler || fits(application.number, application.certificate_subject)).map((view) => ({ application: row(view), pieces, said: handler ? "王䶮" : null }));
      const certificates = (answers.certificates!({}) as CertificateView[]).filter(({ holder, serial }) => fits(holder, serial)).map(({ fingerprint, holder, serial, not_after, status }) => ({ fingerprint, holder, serial, not_after, status, pieces }));
      const notices = home.session ? (answers.notices!({}) as NoticesView).notices.filter(({ subject }) => fits(subject.kind === "application" ? subject.number : subject.subject)).map((notice) => ({ notice, pieces })) : [];
      const drafts = home.session ? home.drafts.filter(() => handler || fits("草稿")).map((draft) => ({ draft, pieces, said: handler ? "王䶮" : null })) : [];
      return { applications: applications.slice(0, 5), more_applications: wanted.get("found") === "many" || applications.length > 5, drafts, certificates, more_certificates: false, notices: notices.slice(0, 5), more_notices: notices.length > 5 };
    },
  };
}
