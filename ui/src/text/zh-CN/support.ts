// 服务支持：认证锁驱动。
export default {
  support: {
    title: "服务支持", lead: "让这台电脑认出您的认证锁。",
    why: "为什么要装驱动？", why_lead: "认证锁像一个带芯片的 U 盘，每家厂商的芯片说的话不一样。驱动就是翻译：装好以后，程序才看得到锁，才能用证书登录、制证和签名。驱动只需装一次。",
    here: "这台电脑", key: "认证锁",
    key_ready: "认证锁已经认出来了，不用再装驱动。",
    key_none: "有驱动在工作，但没有看到认证锁。", key_none_lead: "请把认证锁插紧，看指示灯亮不亮。插好还是没有看到，可能要装另一家的驱动：看看锁上印的厂商名。",
    key_no_driver: "还没有装认证锁的驱动。", key_no_driver_lead: "请在下面找到您这种认证锁的驱动，下载安装。",
    key_failed: "驱动 {driver} 出了问题。", key_failed_lead: "请拔插一次认证锁。还不行，就在下面下载这家的驱动，重新安装。",
    key_reading: "正在读取认证锁…", check: "重新检查",
    drivers: "适合这台电脑的驱动", several: "不清楚装哪一个？看认证锁外壳上印的厂商或型号。",
    none: "没有适合这台电脑的驱动", none_lead: "服务上还没有适合 {system} 的驱动。请联系服务热线{helpdesk}，问清楚您的认证锁怎么安装。",
    others: "另有 {count} 个驱动是给其他系统用的，没有列出。",
    version: "版本 {version}", publisher: "发布者：{publisher}",
    get: "下载", resume: "继续下载", done_of: "已下载 {done}，共 {total}", cancel: "取消下载", again: "重新下载",
    downloading: "正在下载", checking: "正在核对文件有没有被改动…",
    ready: "已下载，核对无误", open: "打开安装程序",
    opened: "安装程序已经打开", opened_lead: "请在它的窗口里按提示安装，可能会问这台电脑的管理员密码。装好后插上认证锁，点“重新检查”。",
    details: "核对信息", sha256: "SHA-256", file: "文件名", size: "大小", copy_sha256: "复制 SHA-256", details_lead: "程序下载后会自动核对。服务人员也可以拿它和发布者公布的数值对照。",
    help: "还是不行？", help_lead: "请联系服务热线：{helpdesk}", help_plain: "请联系发证机构的服务热线。", help_say: "打电话时说清楚这三样：电脑系统、认证锁的厂商或型号、页面下方状态条里的话。",
    failed: "驱动清单没有取到",
  },
};
