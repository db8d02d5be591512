// The lock of what is kept on this computer: where its key is, and what to do where it does not open.
export default {
  storage: {
    opening: "Opening the data on this computer", opening_lead: "The system may be waiting for you to unlock its keyring: look for its window, which others may cover.", opening_slow: "The system's keyring has not answered yet. Wait a little longer, or go on without the data this time.",
    choose: "How shall data be kept here?", choose_lead: "What you fill in is kept encrypted on this computer. The system's keyring usually holds the key, but none can be used now. Please choose:",
    way: { passphrase: "Lock it with a passphrase", nothing: "Keep nothing this time" }, way_lead: { passphrase: "Typed once at every start; your drafts stay.", nothing: "For a borrowed computer: once closed, nothing is left, and what was not submitted is lost." },
    by_passphrase_lead: "Nobody else knows the passphrase: if it is forgotten, the data here cannot be opened any more. Submitted applications and certificates are not affected.",
    passphrase: "Passphrase", passphrase_hint: "At least 8 characters; a sentence is fine", again: "Once more", differs: "The two are not the same", short: "At least 8 characters",
    save: "Keep it with this passphrase", nothing: "Go on without the data", go_on: "Go on, keep nothing", retry: "The keyring is there: try again",
    locked: "Your passphrase, please", locked_lead: "The data on this computer is locked with a passphrase.", unlock: "Open", wrong: "That is not the passphrase. Mind capitals and the input method, and try again.", forgot: "Forgotten?",
    forgot_lead: "Without the passphrase nobody can open the data kept here. You can begin anew: the old file is set aside, not deleted, and what the service has is still there. What was neither submitted nor synchronised is not seen any more.",
    failed_lead: "Deal with what is said below and try again, or go on without the data this time: what was saved is not touched.", away: "The data on this computer cannot be opened now", away_lead: "Its key lies in the system's keyring, which is locked. Unlock the keyring and try again, or go on without the data this time.", silent_lead: "Its key lies in the system's keyring, which does not answer. Make sure that it runs (the password manager) and try again, or go on without the data this time.",
    newer: "A later version of the program wrote this data", newer_lead: "This version does not understand it and left it alone. Please update the program, or go on without the data this time.",
    untouched: "The data stays as it is.", anew: "Begin anew…", anew_title: "Begin anew?", anew_confirm: "Set the old data aside and begin anew", anew_lead: "The old file is set aside, not deleted; what the service has is still there and comes back when you log in. What was neither submitted nor synchronised is not seen any more.",
    notice_title: { key_lost: "The earlier data cannot be opened any more", damaged: "The file with the data was damaged", begun_anew: "Begun anew" },
    notice: {
      key_lost: "Its key is not in the system's keyring any more. The old file was set aside and a new one begun; what the service has is still there and comes back when you log in.",
      damaged: "It was set aside and a new one begun; what the service has is still there and comes back when you log in.",
      begun_anew: "The old file was set aside, not deleted. What the service has is still there and comes back when you log in.",
    },
    salvaged: "What could be read of the damaged file is here again: {drafts} drafts, {files} picked files, {applications} applications.",
    salvaged_part: "Some of it could not be read: please look through your drafts.", salvaged_nothing: "Nothing could be read of the damaged file.",
    aside: "The old file has another name now, in the folder of the program's data; the helpdesk may ask for it:", understood: "I see",
    kept: {
      key_store: "All of this is encrypted; the system's keyring holds the key.", passphrase: "All of this is encrypted and locked with your passphrase.",
      memory: "Nothing is kept this time: once the program is closed, nothing is left on this computer.", demo: "Demonstration: all of this is encrypted, but the key lies in a file beside it.",
    },
    lock: "How it is locked", change: "Change the passphrase", change_lead: "The passphrase locks the data on this computer and is asked for at every start. It is neither the account's password nor the key's PIN.", current: "Passphrase now", replacement: "New passphrase", same: "That is the passphrase you have now. Please choose another.", current_missing: "Please enter the passphrase you have now.", changed: "The passphrase was changed; the next start asks for the new one.",
  },
};
