// 网络设置：代理服务器、代理的登录、带宽。
export default {
  network: {
    title: "网络设置", lead: "程序怎样连到办证服务。家里和手机热点一般不用改；单位网络连不上时，可以问网络管理员要代理服务器的地址。",
    now: "现在的情况", direct_now: "直接连接服务，不经过代理", through: "经过代理服务器 {proxy}", reachable: "服务连接正常", trying: "还没有连接过",
    proxy: "代理服务器", system: "跟随系统", system_lead: "系统里设了代理或自动配置脚本（PAC）就用它，没设就直接连接", direct: "不用代理", direct_lead: "总是直接连接服务", manual: "自己填写", manual_lead: "单位给了代理地址时用",
    host: "代理地址", host_hint: "例如 proxy.example.com 或 10.0.0.1，不带 http://", port: "端口", port_hint: "例如 8080", host_missing: "请填写代理地址", port_wrong: "请填 1 到 65535 之间的数字",
    script: "按自动配置脚本（PAC）：{way}", script_proxy: "经过代理服务器 {proxy}", script_direct: "直接连接", script_at: "脚本地址：{script}", script_failed: "按自动配置脚本（PAC）：{trouble}，暂时直接连接",
    kinds: "支持 HTTP 代理，登录方式支持用户名加密码（Basic）。不支持 NTLM、Kerberos 登录和 SOCKS 代理。",
    login: "代理的用户名和密码", login_has: "已经填好", login_kept: "已经填好，并保存在这台电脑上（加密）", login_none: "没有填。代理需要时程序会问您。", login_give: "填写", login_now: "填写用户名和密码", login_forget: "清除",
    login_title: "代理服务器要求登录", login_lead: "您的网络通过代理服务器 {proxy} 上网，它要求用户名和密码。这不是办证账号，也不是 PIN；不清楚的话请问网络管理员。", login_refused: "代理不接受这个用户名或密码。为免锁住您的账号，程序没有再试，请核对后重新输入。",
    name: "用户名", password: "密码", name_missing: "请填写用户名", keep: "保存在这台电脑上（加密），以后不再问", log_in: "登录代理", later: "以后再说",
    bandwidth: "上传和下载占用的带宽", unlimited: "不限", per_second: "每秒最多 {size}", bandwidth_hint: "网络大家共用时，可以限制上传文件的速度。填表和提交不受影响。",
    save: "保存并试一试", saved: "已保存。", saved_failed: "已保存，但现在还连不上服务。", to_settings: "打开网络设置",
  },
};
