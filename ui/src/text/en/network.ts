// Network settings: the proxy, its login, bandwidth.
export default {
  network: {
    title: "Network", lead: "How this program reaches the portal. At home or on a phone's hotspot there is usually nothing to change. If an office network does not let you through, ask its administrator for the address of the proxy.",
    now: "As it is now", direct_now: "Directly, through no proxy", through: "Through the proxy {proxy}", reachable: "The portal answers", trying: "Not tried yet",
    proxy: "Proxy", system: "As the system has it", system_lead: "The system's proxy or automatic script (PAC) where one is set, else directly", direct: "None", direct_lead: "Always directly", manual: "This one", manual_lead: "Where your office gave you an address",
    host: "Address of the proxy", host_hint: "For example proxy.example.com or 10.0.0.1, without http://", port: "Port", port_hint: "For example 8080", host_missing: "Give the address of the proxy", port_wrong: "A number from 1 to 65535",
    script: "By the automatic script (PAC): {way}", script_proxy: "through the proxy {proxy}", script_direct: "directly", script_at: "The script: {script}", script_failed: "By the automatic script (PAC): directly for now. {trouble}",
    kinds: "HTTP proxies are supported, with a login by name and password (Basic). NTLM and Kerberos logins and SOCKS proxies are not.",
    login: "Name and password for the proxy", login_has: "Given", login_kept: "Given, and kept on this computer (encrypted)", login_none: "None. You will be asked when the proxy wants them.", login_give: "Give", login_now: "Give name and password", login_forget: "Forget",
    login_title: "The proxy wants a login", login_lead: "Your network goes through the proxy {proxy}, which wants a name and password. They are not those of your portal account, nor a PIN; ask the network administrator if you do not know them.", login_refused: "The proxy does not take this name or password. It was not tried again, so that your account is not locked. Check both and type them again.",
    name: "Name", password: "Password", name_missing: "Give the name", keep: "Keep them on this computer (encrypted) and do not ask again", log_in: "Log in to the proxy", later: "Later",
    bandwidth: "Bandwidth for files, up and down", unlimited: "No limit", per_second: "At most {size} a second", bandwidth_hint: "Where others share the line, files can go slower. Forms and submissions are not held up.",
    save: "Save and try", saved: "Saved.", saved_failed: "Saved, but the portal cannot be reached yet.", to_settings: "Open network settings",
  },
};
