// 外框与首页：顶栏、认证锁状态条、首页菜单。
export default {
  shell: {
    language: "语言", theme: "外观", theme_system: "跟随系统", theme_light: "浅色", theme_dark: "深色",
    menu: "账号菜单", logged_in_password: "账号登录", logged_in_token: "证书登录", not_logged_in: "未登录",
    demo: "演示环境，非持牌CA", demo_lead: "这里的证书没有法律效力，请不要填写真实个人信息。", demo_desk: "演示台",
    skip: "跳到正文", main: "正文", starting: "正在启动…",
    service_ok: "服务已连接", service_down: "服务连不上", service_unknown: "服务：尚未连接", service: "服务地址",
  },
  key: {
    strip: "认证锁状态",
    reading: "正在读取认证锁…",
    none: "没有看到认证锁", none_lead: "如果手边有认证锁，请插入电脑的 USB 接口。",
    no_driver: "没有找到认证锁驱动", no_driver_lead: "这台电脑上还没有装认证锁的驱动程序，所以看不到认证锁。",
    driver_failed: "认证锁驱动出了问题", driver: "驱动文件",
    empty: "认证锁里还没有证书", not_ready: "认证锁还没有初始化",
    valid_until: "有效期至 {date}", days_left: "还有 {days} 天到期", expired: "证书已过期",
    several: "共 {count} 把认证锁", holder: "证书持有者", label: "认证锁名称", maker: "厂商与型号", serial: "序列号", until: "有效期至", pin: "PIN 状态",
    can_log_in: "可以用于登录", cannot_log_in: "不能用于登录",
    dialog: "认证锁", dialog_lead: "插上或拔下认证锁后，这里会自动更新。",
    help_none: "请确认认证锁已插紧，指示灯亮起；可以换一个 USB 接口试试。如果使用远程桌面，认证锁要插在运行本程序的那台电脑上。",
    help_no_driver: "请安装认证锁厂商提供的驱动程序，装好后点“重新检查”。不清楚用哪个驱动，可以联系发证机构的服务热线。",
    help_empty: "新认证锁里没有证书是正常的。请选“我要办理”里的“新办”，审核通过后证书会写进这把认证锁。",
    help_not_ready: "这把认证锁还没有设置 PIN，请联系发放认证锁的机构完成初始化。",
  },
  tries: {
    no_warning: "正常", few: "PIN 剩余次数不多", last: "PIN 只剩最后一次机会", locked: "PIN 已锁定", unknown: "认证锁没有告知剩余次数",
  },
  home: {
    title: "今天要办什么？", hello: "{name}，您好",
    apply: "我要办理", apply_lead: "新办、变更、续订、注销数字证书",
    query: "查询服务", query_lead: "不登录也能查办理进度",
    support: "服务支持", support_lead: "认证锁驱动下载与使用帮助",
    announcements: "注销公告", announcements_lead: "查询已经注销的证书",
    applications: "我的申办", applications_lead: "看进度、补材料、制作证书",
    certificates: "我的证书", certificates_lead: "认证锁里和名下的证书",
    resume: "接着上次办", resume_lead: "做到：{step}", resume_at: "{time} 保存", resume_none: "没有未完成的申办",
    discard: "删除草稿", discard_title: "删除这份草稿？", discard_lead: "填写的内容和选好的文件都会从这台电脑上删除，不能恢复。认证锁和已提交的申办不受影响。",
    failed: "程序没有准备好",
  },
  coming: {
    lead: "这个功能在下一个版本提供。",
    support: "到时候这里会认出这台电脑需要哪种认证锁驱动，帮您下载、校验并安装。", support_now: "现在请从发证机构或认证锁厂商的网站安装驱动。遇到困难，请联系服务热线：{helpdesk}", support_now_plain: "现在请从发证机构或认证锁厂商的网站安装驱动。",
  },
  business_page: {
    title: "选择要办理的业务", lead: "已登录：{name}", only_new: "您名下还没有证书，先办理“新办”。证书办好以后，就可以办理变更、续订和注销。",
    none: "目前没有可以办理的业务。如有疑问，请联系发证机构。", has_draft: "有未完成的草稿，将从“{step}”继续",
  },
};
