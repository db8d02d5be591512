// 服务支持里的驱动模块：这台电脑上有哪些，用不用，认不认识。
export default {
  modules: {
    title: "驱动模块", lead: "这台电脑上的认证锁驱动文件。一般不用改；认证锁看不到、或换了驱动时，服务人员会请您到这里看看。",
    open: "查看驱动模块", section: "驱动模块", section_lead: "看看哪些驱动文件在用，停用一个，或添加一个。",
    found: "找到 {count} 个驱动模块", none: "没有找到驱动模块", none_lead: "请先安装认证锁厂商的驱动。驱动装在不常见的位置时，可以用下面的按钮找到它的文件，添加进来。", to_support: "去下载驱动",
    twice: "同一把认证锁可以被两个驱动看到，状态条里只算一把，以排在前面的驱动为准。",
    folded: "这个驱动还看到 {count} 把认证锁，它们已由另一个驱动显示，所以没有重复列出。想换成用这个驱动，请选“优先使用”。",
    standing: { used: "在用", first: "优先使用", off: "已停用", unusable: "不能用" },
    use: { auto: "自动", always: "优先使用", never: "停用" }, use_of: "{name}：怎么用",
    chosen: { auto: "“{name}”改回自动。", always: "现在优先使用“{name}”。", never: "“{name}”已停用，程序不再加载它。" },
    origin_added: "您添加的", origin_chosen: "启动时指定的", origin_registered: "系统里登记的（{by}）", origin_profile: "在厂商的安装位置找到的",
    path: "位置", copy_path: "复制完整路径", notes: "厂商资料：",
    add: "添加驱动文件…", added: "“{name}”已添加，程序会马上用它找认证锁。", remove: "从清单移除", remove_of: "从清单移除：{name}", removed: "“{name}”已从清单移除，文件还在原处。",
    fault: {
      not_a_library: "这不是本系统能用的驱动文件，可能已损坏。", not_a_module: "这不是认证锁驱动（PKCS#11 模块）。", other_machine: "这个驱动是给 {machine} 程序用的（{bits} 位），本程序加载不了。",
      missing_libraries: "它还缺少这些文件：{names}。", other_interface: "它用的是国密 {name} 接口，本程序用的是 PKCS#11 接口。", gone: "文件不在了。",
    },
    todo: {
      not_a_library: "请重新安装这家的驱动。", not_a_module: "请换成厂商提供的 PKCS#11 驱动文件；不清楚是哪个，可以停用它。", other_machine: "请安装厂商的 64 位驱动；没有的话，请向发证机构要。",
      missing_libraries: "请重新安装驱动，或安装缺少的组件。确认文件其实都在，可以选“优先使用”，让程序直接试。", other_interface: "请向厂商或发证机构要这种认证锁的 PKCS#11 驱动。", gone: "请重新安装驱动；是您添加的，可以从清单移除。",
    },
    profiles: "认证锁资料", profiles_lead: "资料说明各家认证锁的驱动装在哪里、有什么讲究。程序每天自动更新几次，只认发布者签过名的。",
    known_packaged: "程序自带 {known} 份资料，还没有用到服务公布的更新。", known_published: "共 {known} 份，其中 {published} 份由服务公布，{date}签发。",
    renew: "现在更新", newest: "已经是最新", newest_lead: "服务上最新的资料就是 {date}签发的这一份。", renewed: "资料已更新", renewed_lead: "现在用的是 {date}签发的资料。",
    none_published: "服务没有公布更新", none_published_lead: "继续用程序自带的资料。",
    refused_title: "公布的资料没有采用，仍用原来的",
    refused: {
      bad_signature: "它的签名不对：不是发布者签的，或者后来被改过。请把这句话告诉服务人员。", older: "它比正在用的还旧。", from_the_future: "它的签发时间在将来。请先看看这台电脑的日期和时间对不对。",
      newer_format: "它是给新版程序用的。请更新程序。", unusable: "它的内容有错误。请把详细原因告诉服务人员。",
    },
  },
};
