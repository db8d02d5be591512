// The one table of pages: which component stands for which name. Each room is loaded when it is first entered.
import { defineAsyncComponent, type Component } from "vue";
import type { PageName } from "@/route";
import { textsWhole } from "@/text";
import HomePage from "./home/HomePage.vue";

type Load = () => Promise<{ default: Component }>;

const LOADS: Record<Exclude<PageName, "home">, Load> = {
  // The way in.
  agreement: () => import("./enter/AgreementPage.vue"),
  login: () => import("./enter/LoginPage.vue"),
  register: () => import("./enter/RegisterPage.vue"),
  registered: () => import("./enter/RegisteredPage.vue"),
  "change-password": () => import("./enter/ChangePasswordPage.vue"),
  "lost-key": () => import("./recover/LostKeyPage.vue"),
  "reset-password": () => import("./recover/ResetPasswordPage.vue"),
  business: () => import("./home/BusinessPage.vue"),
  choose: () => import("./home/ChooseCertificatePage.vue"),
  // The guide: rooms/guide/
  guide: () => import("./guide/GuidePage.vue"),
  receipt: () => import("./guide/ReceiptPage.vue"),
  // Cases and certificates: rooms/cases/
  applications: () => import("./cases/ApplicationsPage.vue"),
  application: () => import("./cases/ApplicationPage.vue"),
  issuance: () => import("./cases/IssuancePage.vue"),
  certificates: () => import("./cases/CertificatesPage.vue"),
  key: () => import("./key/KeyPage.vue"),
  notices: () => import("./notices/NoticesPage.vue"),
  account: () => import("./account/AccountPage.vue"),
  "demo-desk": () => import("./cases/DeskPage.vue"),
  query: () => import("./query/QueryPage.vue"),
  support: () => import("./support/SupportPage.vue"),
  modules: () => import("./support/ModulesPage.vue"),
  network: () => import("./network/NetworkPage.vue"),
  announcements: () => import("./announcements/AnnouncementsPage.vue"),
};

/** Component of each page. Home comes with the first load. */
export const rooms: Record<PageName, Component> = {
  home: HomePage,
  ...(Object.fromEntries(Object.entries(LOADS).map(([name, load]) => [name, defineAsyncComponent(() => textsWhole().then(load))])) as unknown as Record<Exclude<PageName, "home">, Component>),
};
