import type AppIcon from "./AppIcon.vue";

/** One line of a menu. */
export interface MenuItem {
  /** Also its test name. */
  id: string;
  text: string;
  icon?: InstanceType<typeof AppIcon>["$props"]["name"];
  /** Its icon is a tick that it has not. */
  unchosen?: boolean;
  /** Beside it, quieter. */
  note?: string;
  /** Set apart from those above. */
  apart?: boolean;
  act: () => void;
}
