// Driver modules under support: which are here, which are used, what is known.
export default {
  modules: {
    title: "Driver modules", lead: "The files by which this computer talks to USB keys. Usually nothing needs changing here; the helpdesk may ask you to look when a key is not seen.",
    open: "See driver modules", section: "Driver modules", section_lead: "See which driver files are used, switch one off, or add one.",
    found: "{count} driver modules found", none: "No driver module was found", none_lead: "Please install the driver of your key's maker first. If it was installed in an unusual place, find its file with the button below.", to_support: "To the drivers",
    twice: "Two drivers may see the same key. It is shown once, by the driver that stands higher in this list.",
    folded: "This driver sees {count} more keys. Another driver shows them already, so they are not listed twice. To use this driver instead, choose “First”.",
    standing: { used: "in use", first: "used first", off: "switched off", unusable: "cannot be used" },
    use: { auto: "Automatic", always: "First", never: "Off" }, use_of: "{name}: how to use it",
    chosen: { auto: "“{name}” is automatic again.", always: "“{name}” is used first now.", never: "“{name}” is switched off and not loaded any more." },
    origin_added: "added by you", origin_chosen: "named at the start", origin_registered: "registered with the system ({by})", origin_profile: "found where its maker installs it",
    path: "Where it lies", copy_path: "Copy the full path", notes: "About this maker: ",
    add: "Add a driver file…", added: "“{name}” was added and is asked for keys at once.", remove: "Take off the list", remove_of: "Take off the list: {name}", removed: "“{name}” was taken off the list; its file is where it was.",
    fault: {
      not_a_library: "This is no driver file of this system, or it is damaged.", not_a_module: "This is no driver of USB keys (no PKCS#11 module).", other_machine: "This driver is for {machine} programs ({bits} bit); this program cannot load it.",
      missing_libraries: "It needs files that are not here: {names}.", other_interface: "It speaks the Chinese interface {name}; this program speaks PKCS#11.", gone: "The file is not there any more.",
    },
    todo: {
      not_a_library: "Please install this maker's driver again.", not_a_module: "Please take the maker's PKCS#11 file instead; if you are not sure, switch this one off.", other_machine: "Please install the maker's 64-bit driver, or ask the certificate authority for it.",
      missing_libraries: "Please install the driver again, or what is missing. If you are sure that all of it is there, choose “First” and the program will simply try.", other_interface: "Please ask the maker or the certificate authority for the PKCS#11 driver of this key.", gone: "Please install the driver again; if you added it, take it off the list.",
    },
    profiles: "What is known of keys", profiles_lead: "Says where each maker's driver lies and what to mind. It is renewed by itself several times a day, and only what its publisher signed is taken.",
    known_packaged: "{known} profiles came with the program; none published by the service is in use.", known_published: "{known} profiles, {published} of them published by the service and signed on {date}.",
    renew: "Renew now", newest: "This is the newest", newest_lead: "The service has nothing newer than what was signed on {date}.", renewed: "Renewed", renewed_lead: "What was signed on {date} is in use now.",
    none_published: "The service publishes nothing newer", none_published_lead: "What came with the program stays in use.",
    refused_title: "What was published was not taken; the earlier one stays",
    refused: {
      bad_signature: "Its signature is not right: somebody else signed it, or it was changed since. Please tell the helpdesk.", older: "It is older than the one in use.", from_the_future: "It was signed in the future. Please check this computer's date and time first.",
      newer_format: "It was made for a newer program. Please update the program.", unusable: "There is a mistake in it. Please tell the helpdesk the exact cause.",
    },
  },
};
