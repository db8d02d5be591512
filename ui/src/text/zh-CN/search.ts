// 搜索：一个框找申办、草稿、证书、通知和注销公告。
export default {
  search: {
    open: "搜索", title: "搜索申办、证书、通知和注销公告", placeholder: "编号、名称、拼音首字母或日期", results: "搜索结果",
    hint: "可以输入申办编号（或最后几位）、单位或经办人名称里的任意几个字、拼音或首字母，也可以输入日期，如 2026-11-22。", hint_logged_out: "登录以后，还可以搜索您的申办、草稿和通知。注销公告和插着的认证锁里的证书，不登录也能搜。",
    group_applications: "我的申办", group_drafts: "草稿", group_certificates: "证书", group_notices: "通知", group_announcements: "注销公告",
    draft: "“{business}”草稿", found: "找到 {count} 条", none: "没有找到“{question}”", none_lead: "请换个说法试试：少输几个字，或只输编号的最后几位。",
    more_applications: "查看全部符合的申办", more_certificates: "查看我的全部证书", more_notices: "查看全部通知", more_announcements: "查看全部符合的公告",
    offline: "现在连不上服务：只搜索这台电脑上看到过的内容，不含注销公告。", keys: "↑ ↓ 选择，回车打开，Esc 关闭",
  },
};
