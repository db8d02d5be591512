// The lock of what is kept on this computer: where its key is, and what to do where it does not open.
export default {
  storage: {
    opening: "Opening the data on this computer", opening_lead: "The system's keyring may ask you to unlock it: look for its window.", opening_slow: "The system's keyring does not answer. You can go on without keeping anything.",
    choose: "How shall data be kept on this computer?", choose_lead: "What you fill in is kept encrypted on this computer. The system's keyring usually holds the key, but none can be used here now.",
    by_passphrase: "With a passphrase", by_passphrase_lead: "You type it at every start. Nobody else knows it: if it is forgotten, the data here cannot be opened any more. Submitted applications and certificates are not affected.",
    passphrase: "Passphrase", passphrase_hint: "At least 8 characters; a sentence is fine", again: "Once more", differs: "The two are not the same", short: "At least 8 characters",
    save: "Keep it with this passphrase", nothing: "Keep nothing this time", nothing_lead: "For a borrowed computer: once the program is closed, nothing is left here. What was not submitted is lost.",
    locked: "Your passphrase, please", locked_lead: "The data on this computer is locked with a passphrase.", unlock: "Open", wrong: "That is not the passphrase. Please try again.", forgot: "Forgotten?",
    forgot_lead: "Without the passphrase nobody can open the data kept here. You can begin anew: the old file is set aside, not deleted, and what the service has is still there. What was neither submitted nor synchronised is not seen any more.",
    away: "The data on this computer cannot be opened now", away_lead: "Its key lies in the system's keyring, which is not open. Unlock the keyring and try again, or go on without the data this time.",
    newer: "A later version of the program wrote this data", newer_lead: "This version does not understand it and left it alone. Please update the program, or go on without the data this time.",
    untouched: "The data stays as it is.", anew: "Begin anew", anew_confirm: "Set the old data aside and begin anew",
    notice: {
      key_lost: "The key to the data on this computer is not in the system's keyring any more, so the data cannot be opened. The old file was set aside and a new one begun; what the service has is still there and comes back when you log in.",
      damaged: "The file with the data on this computer was damaged. It was set aside and a new one begun; what the service has is still there and comes back when you log in.",
      begun_anew: "Begun anew. The old file was set aside, not deleted.",
    },
    salvaged: "What could be read of the damaged file is here again: {drafts} drafts, {files} picked files, {applications} applications.",
    salvaged_part: "Some of it could not be read: please look through your drafts.", salvaged_nothing: "Nothing could be read of the damaged file.",
    aside: "The old file: {file}", understood: "I see",
    kept: {
      key_store: "All of this is encrypted; the system's keyring holds the key.", passphrase: "All of this is encrypted and locked with your passphrase.",
      memory: "Nothing is kept this time: once the program is closed, nothing is left on this computer.", demo: "Demonstration: all of this is encrypted, but the key lies in a file beside it.",
    },
    change: "Change the passphrase", current: "Passphrase now", replacement: "New passphrase", changed: "The passphrase was changed.",
  },
};
