// 注销公告。
export default {
  announcements: {
    title: "注销公告", lead: "已经注销的证书都在这里公布。不用登录就能查。",
    list: "公告", search: "搜索", search_label: "证书持有者或序列号", search_hint: "输入名称里的任意几个字，或序列号的前 8 位以上。",
    from: "注销日期从", to: "到", clear: "清除条件", dates_wrong: "开始日期在结束日期之后，请调整日期。",
    serial: "序列号", revoked_at: "注销时间", crl: "注销列表第 {number} 号",
    count: "已显示 {count} 条", more: "更多", end: "没有更多了",
    empty: "还没有注销公告", empty_lead: "有证书注销后，会显示在这里。", none: "没有找到符合条件的公告", none_lead: "请检查名称或序列号，或放宽日期。没有公告不等于证书有效，可以用“这张证书注销了吗？”核实某一张证书。",
    offline: "现在连不上服务，看不到最新公告。",
    reason: {
      unspecified: "未说明原因", key_compromise: "认证锁丢失或密钥泄露", ca_compromise: "发证机构密钥出现问题", affiliation_changed: "持有者信息变更", superseded: "已换发新证书",
      cessation_of_operation: "不再使用", certificate_hold: "暂停使用", privilege_withdrawn: "使用资格取消", aa_compromise: "属性授权机构密钥出现问题",
    },
  },
  revocation: {
    title: "这张证书注销了吗？", lead: "选择证书文件，或用插着的认证锁。程序会核对发证机构签名的注销列表。",
    pick: "选择证书文件", key: "核实认证锁“{key}”", no_key: "插入认证锁，也可以直接核实锁里的证书。", checking: "正在核对注销列表…",
    status: { revoked: "已注销", good: "未注销", unknown: "不能确定" },
    revoked_lead: "{time} 注销，原因：{reason}。请不要再信任用它做的新签名。",
    good_lead: "不在发证机构 {time} 发布的注销列表（第 {number} 号）上。", good_expired: "但它的有效期已过，不能再用来登录或签名。", good_early: "但它还没有到生效时间。",
    unknown: {
      offline: "连不上服务，这台电脑上也没有可用的注销列表。连上服务后请再试一次。",
      stale: "这台电脑上的注销列表已经过期，服务也没有给出新的。连上服务后请再试一次。",
      other_issuer: "它不是这家发证机构签发的，请向证书上写的签发机构核实。",
      bad_list: "服务给出的注销列表没有通过核对，不能采信。请稍后再试；如果一直这样，请联系发证机构。",
      rolled_back: "服务给出的注销列表比以前看过的还旧，不能采信。请稍后再试；如果一直这样，请联系发证机构。",
      clock: "这台电脑的时间比注销列表还早。请校准电脑时间，再试一次。",
    },
    unknown_lead: "在弄清楚以前，请不要当作有效。",
    holder: "持有者", issuer: "签发机构", valid: "有效期", valid_range: "{from} 至 {to}",
  },
};
