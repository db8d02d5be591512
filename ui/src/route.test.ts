import { beforeEach, describe, expect, test } from "vitest";
import { createRouter, guarded, type Route, type Router, type Standing } from "./route";

const OPEN: Standing = { agreementAccepted: true, loggedIn: true, mustChangePassword: false };
const business: Route = { name: "business" };

test("我要办理 asks for the agreement first, then for the login, then for a password of one's own", () => {
  expect(guarded(business, { ...OPEN, agreementAccepted: false, loggedIn: false })).toEqual({ name: "agreement", next: business });
  expect(guarded(business, { ...OPEN, loggedIn: false })).toEqual({ name: "login", next: business });
  expect(guarded(business, { ...OPEN, mustChangePassword: true })).toEqual({ name: "change-password", next: business });
  expect(guarded(business, OPEN)).toBe(business);
});

test("registration needs the agreement, for its record goes with it", () => {
  const register: Route = { name: "register", next: business };
  expect(guarded(register, { ...OPEN, agreementAccepted: false, loggedIn: false })).toEqual({ name: "agreement", next: register });
});

test("what needs no account opens without one", () => {
  const nobody: Standing = { agreementAccepted: false, loggedIn: false, mustChangePassword: false };
  for (const name of ["home", "query", "support", "announcements", "certificates"] as const) expect(guarded({ name }, nobody)).toEqual({ name });
});

describe("way back", () => {
  let standing: Standing;
  let router: Router;
  beforeEach(() => {
    standing = { ...OPEN, agreementAccepted: false, loggedIn: false };
    router = createRouter(() => standing);
  });

  test("gates that were passed are not shown again", () => {
    router.go(business);
    expect(router.current.value.name).toBe("agreement");
    standing.agreementAccepted = true;
    router.go(business);
    expect(router.current.value.name).toBe("login");
    standing.loggedIn = true;
    router.go(business);
    router.go({ name: "guide", draft: "d" });
    router.back();
    expect(router.current.value.name).toBe("business");
    router.back();
    expect(router.current.value.name).toBe("home");
  });

  test("a session that ends leads to the login, and from there back to where one was", () => {
    standing = { ...OPEN };
    const guide: Route = { name: "guide", draft: "d", step: "files" };
    router.go(guide);
    standing.loggedIn = false;
    router.recheck();
    expect(router.current.value).toEqual({ name: "login", next: guide });
  });

  test("back from a gate leaves the gated page alone", () => {
    router.go({ name: "applications" });
    router.back();
    expect(router.current.value.name).toBe("home");
  });

  test("at home there is nothing to go back to", () => {
    router.back();
    expect(router.current.value.name).toBe("home");
  });
});
