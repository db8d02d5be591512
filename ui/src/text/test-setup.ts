// Tests draw pages at once: all texts are there.
import { textsWhole } from "./index";

await textsWhole();
