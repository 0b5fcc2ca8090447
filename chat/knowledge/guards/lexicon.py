"""Closed classes of words, English and simplified Chinese: what excludes what, what means the same.

One line is one class, ``|`` stands between its members, a space between ways to say one member and
``_`` for a space inside one. Questions that name different members of a class differ. A class with
``!`` matters also when only one of the two names a member of it; a class of one member is a list of
synonyms. The class is the reason that is given. Words of an action class may move in a sentence.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from moderation.normalization import folded


class Member(NamedTuple):
    """One member of a class. ``line`` is the class, ``place`` the member's place in it."""

    reason: str
    line: int
    place: int
    alone: bool
    moves: bool


_OPPOSITES = """
before prior_to 之前 以前 前 | after 之后 以后 后 | during 期间
until 截至 截止 为止 | since 自从
at_least minimum lowest at_a_minimum min 至少 最少 最低 起码 最小 | at_most maximum highest max up_to no_more_than 至多 最多 最高 最大 不超过 顶多
cheapest least_expensive 最便宜 | most_expensive dearest priciest 最贵
first earliest 首次 首个 首 最早 | last final latest 末 末次 最晚 最后
upper above over more_than exceed larger_than greater_than higher_than 超过 高于 大于 以上 多于 | below under less_than fewer_than lower_than smaller_than 低于 少于 小于 以下
more_expensive pricier 更贵 | cheaper less_expensive 更便宜
earlier sooner bring_forward 提前 提早 更早 | later postpone delay 推迟 延后 延迟 更晚 晚点
faster quicker fast quick fastest 更快 最快 快速 | slower slow slowest 更慢 最慢
longer longest 更长 最长 加长 | shorter shortest 更短 最短 缩短
bigger larger big large biggest largest 更大 大 大号 | smaller small smallest 更小 小 小号 | medium 中号
heavier heavy heaviest 更重 最重 | lighter lightest 更轻 最轻
better best 更好 最好 | worse worst 更差 最差
higher high raise increase 更高 提高 提升 增加 调高 上调 加大 涨 上涨 上升 调大 | lower low reduce decrease lessen 更低 降低 减少 下降 调低 下调 减小 跌 下跌 调小
most 大多数 大部分 | least fewest
newer new newest 新 新款 全新 | older old used second_hand oldest 旧 旧款 二手 老
nearest closest near 最近 | farthest furthest far 最远
thicker thick 厚 | thinner thin 薄
wider wide 宽 更宽 | narrower narrow 窄 更窄
hot warm 热 加热 | cold cool iced 冷 凉 冰
bright 亮 | dark dim 暗
loud 大声 | quiet silent 静音
strong 强 浓 | weak 弱 淡
buyer purchaser customer 买家 买方 | seller vendor merchant 卖家 卖方 商家
sender 寄件人 发件人 发货人 | recipient receiver addressee 收件人 收货人
payer 付款人 付款方 | payee 收款人 收款方
lender landlord 房东 出租方 | borrower tenant 租客 承租方
host | guest
employer | employee
adult 成人 成年 | child kid infant baby minor 儿童 小孩 孩子 婴儿 未成年
man men male 男 男士 男款 | woman women female 女 女士 女款
left 左 | right right_side 右
top | bottom
front 正面 | rear 反面 背面
inside indoor indoors internal 室内 内 里面 | outside outdoor outdoors external 室外 户外 外面
domestic national 国内 境内 本地 本国 | international abroad foreign overseas 国际 国外 境外 海外 外地 跨境
online 线上 网上 在线 | offline in_store 线下 门店 实体店 离线
public 公开 公共 | private 私密 私人
personal individual 个人 | business corporate company 企业 公司 对公
prepaid 预付费 预付 | postpaid 后付费 后付
wired 有线 | wireless cordless 无线
automatic automatically auto 自动 | manual manually 手动
temporary temporarily 临时 暂时 | permanent permanently 永久
one-way single_ticket 单程 | round-trip return_ticket 往返
full whole entire complete_amount 全额 整个 全款 | partial partially part 部分 其中
single 单人 单个 | double 双人 | family 家庭
debit_card debit 借记卡 储蓄卡 | credit_card credit 信用卡 | gift_card voucher_card 礼品卡
income 收入 | expense 支出
import 进口 | export 出口
sealed unopened 未拆封 未拆 没拆 未开封 没拆封 未拆开 没拆开 没开封 未打开 | opened unsealed unwrapped 拆封 已拆封 拆了 开封 已拆 拆开
upload 上传 | download 下载
windows | mac macos | linux
iphone ios 苹果 | android 安卓
"""

_ACTIONS = """
activate enable switch_on turn_on turned_on turning_on 开启 启用 打开 激活 开通 | deactivate disable switch_off turn_off turned_off turning_off shut_off 关闭 关停 停用 禁用 关掉 关上
open launch 开门 开 | close shut closed 关门 关
start begin beginning 开始 启动 开头 | stop end finish ending 停止 结束 终止 停 | pause suspend 暂停 | resume continue 恢复 继续
add 添加 加 新增 增添 | remove delete erase 删除 移除 删掉 删 去掉
subscribe subscription 订阅 | unsubscribe 退订 取消订阅
sign_up register registration create_an_account 注册 开户 | delete_account close_account 注销 销户
log_in login sign_in signin logging_in logged_in 登录 登陆 登上 登入 | log_out logout sign_out signout logging_out logged_out 登出 退出登录 退登
check-in checkin check_in checking_in 入住 值机 | check-out checkout check_out checking_out 退房
buy purchase bought 买 购买 选购 | sell sold 卖 出售 售卖 | rent hire 租 租赁
lend lent 借给 借出 出借 | borrow 借 借入
lock 锁 锁定 上锁 | unlock 解锁 开锁
block blacklist 拉黑 屏蔽 封 | unblock 解封 解除屏蔽
freeze froze frozen 冻结 | unfreeze 解冻
bind link 绑定 关联 | unbind unlink 解绑 解除绑定 解除关联
connect pair 连接 连上 连 | disconnect 断开 断开连接
install 安装 装 | uninstall 卸载
follow 关注 | unfollow 取关 取消关注
mute | unmute
show display visible 显示 | hide hidden invisible 隐藏
include contain cover 包含 包括 含 | exclude 不包含 除外 除了
accept approve confirm 接受 同意 通过 批准 确认 | refuse reject decline deny 拒绝 拒收 驳回
send sent post dispatch ship shipped send_out sent_out 发送 发出 寄 寄出 发货 发 配送 送货 | receive received come_in 收到 收货 接收 签收 收 | collect pick_up 自提 自取
deposit pay_in 存 存入 存款 | withdraw withdrawal take_out 取出 取款 提现 支取 取
transfer_in 转入 入账 | transfer_out 转出 出账
top_up recharge topup 充值 | refund money_back reimburse reimbursement get_my_money_back 退款 退钱 退回
upgrade 升级 | downgrade 降级
zoom_in 放大 | zoom_out 缩小
encrypt 加密 | decrypt 解密
attach | detach
opt_in opt_into | opt_out
assemble 组装 | dismantle disassemble 拆卸
depart departure take_off leave 出发 起飞 离开 | arrive arrival land landing 到达 抵达 降落
push | pull
incoming 来电 接听 | outgoing 去电 拨出
win | lose_money
save 保存 | discard
agree | disagree
archive 归档 | restore recover 找回 还原
renew extend 续费 续订 续约 续 | terminate 解约 停止续费 退租
cancel 取消 撤销 | order place_an_order 下单 订购 | modify change amend edit update 修改 更改 改 变更 更换 | track trace 查询 查 查看 看 追踪
return send_back 退货 退 退换 | exchange swap replace 换货 换 | repair fix fixed 维修 修 修理 | keep
fast-forward 快进 | rewind 快退
inhale | exhale
"""

_CLASSES = """
name: paypal | klarna | apple_pay applepay | google_pay googlepay | visa | mastercard | amex american_express | alipay 支付宝 | wechat wechat_pay weixin 微信 | unionpay 银联 云闪付 | 花呗 | 借呗 | 京东 白条 | bitcoin 比特币 | cash 现金 | cheque check_payment 支票 | 余额宝 | 零钱通
name: ups | fedex | dhl | usps | 顺丰 | 中通 | 圆通 | 韵达 | 申通 | 邮政 ems
name: red 红 红色 | orange 橙 橙色 | yellow 黄 黄色 | green 绿 绿色 | blue 蓝 蓝色 | purple violet 紫 紫色 | pink 粉色 | black 黑 黑色 | white 白 白色 | grey gray silver 灰 银色 | brown 棕色 | gold 金色
name: 绿茶 | 红茶 | 乌龙茶 | 普洱 普洱茶 | 白茶 | 花茶
name: cotton 棉 | wool 羊毛 | silk 真丝 | linen 亚麻 | leather 皮 | wood wooden 木 | metal steel 金属 | plastic 塑料 | glass 玻璃 | ceramic porcelain 陶瓷
name: basic starter 基础版 | standard 标准版 标准 | premium 高级版 尊享版 | pro professional 专业版 | enterprise 企业版 旗舰版 | free_version 免费版 | lite 轻量版
name: economy 经济舱 | business_class 商务舱 | first_class 头等舱 | second_class 二等座 | 一等座
name: passport 护照 | id_card identity_card 身份证 | driving_licence driver's_license 驾照 | visa_document 签证
name: bus 公交 大巴 | train 火车 高铁 | flight plane airplane 飞机 航班 | ferry 轮渡 | taxi 出租车
name: breakfast 早餐 | lunch 午餐 | dinner supper 晚餐
name: china 中国 大陆 | hong_kong 香港 | taiwan 台湾 | macau 澳门 | japan 日本 | korea 韩国 | singapore 新加坡 | thailand 泰国 | usa united_states america us 美国 | canada 加拿大 | uk britain england 英国 | france 法国 | germany 德国 | austria 奥地利 | switzerland 瑞士 | italy 意大利 | spain 西班牙 | russia 俄罗斯 | australia 澳大利亚 澳洲 | new_zealand 新西兰
name: 北京 | 上海 | 广州 | 深圳 | 杭州 | 成都 | 重庆 | 武汉 | 西安 | 南京 | 天津 | 苏州 | london 伦敦 | paris 巴黎 | berlin 柏林 | 东京 tokyo | 纽约 new_york | rome 罗马 | madrid 马德里
name: english 英语 英文 | chinese 中文 汉语 | french 法语 | german 德语 | japanese 日语 | spanish 西班牙语
name: desktop 台式 台式机 | laptop notebook 笔记本 | tablet ipad 平板 | phone mobile smartphone cellphone 手机 | watch 手表 | tv television 电视
date!: monday mon 周1 星期1 礼拜1 | tuesday tue 周2 星期2 礼拜2 | wednesday wed 周3 星期3 礼拜3 | thursday thu 周4 星期4 礼拜4 | friday fri 周5 星期5 礼拜5 | saturday sat_morning 周6 星期6 礼拜6 | sunday 周日 周天 星期日 星期天 礼拜天 周7 | weekend 周末 | weekday working_day business_day 工作日
date!: january jan | february feb | march_month | april apr | june jun | july jul | august aug | september sep sept | october oct | november nov | december dec
date!: today 今天 今日 当天 | tomorrow 明天 明日 | yesterday 昨天 昨日 | day_after_tomorrow 后天 | day_before_yesterday 前天 | tonight 今晚
date!: morning 早上 上午 早晨 凌晨 | noon midday 中午 | afternoon 下午 | evening 傍晚 晚上 | night overnight midnight 夜间 半夜 夜里
date!: this_week 本周 这周 这个星期 | next_week 下周 下个星期 | last_week 上周 上个星期
date!: this_month 本月 这个月 当月 | next_month 下月 下个月 | last_month 上月 上个月
date!: this_year 今年 本年 | next_year 明年 来年 | last_year 去年 | year_before_last 前年
date!: daily every_day per_day a_day 每天 每日 | weekly every_week per_week a_week 每周 每星期 | monthly every_month per_month a_month 每月 每个月 月费 | yearly annual annually every_year per_year a_year 每年 年费 | hourly per_hour 每小时
date!: spring_festival lunar_new_year chinese_new_year 春节 | national_day 国庆 国庆节 | christmas 圣诞 圣诞节 | easter 复活节 | new_year 元旦 | 中秋 中秋节 | 端午 端午节 | 清明 | 劳动节 51 | thanksgiving 感恩节 | black_friday | 双11 | 双12 | 618
date: spring 春天 春季 | summer 夏天 夏季 | autumn fall_season 秋天 秋季 | winter 冬天 冬季
date: next following upcoming 下次 下1个 下个 下1次 下期 | previous 上次 上1个 上个 上1次 上期 | this_time 本次 这次 这1次
unit: kilogram kilo kg 公斤 千克 | gram 克 | pound lb lbs 磅 | ounce | ton 吨 | 斤
unit: kilometre kilometer km 公里 千米 | metre meter 米 | centimetre centimeter cm 厘米 | millimetre millimeter mm 毫米 | inch 英寸 | mile 英里 | feet foot 英尺
unit: litre liter 升 | millilitre milliliter ml 毫升 | gallon 加仑
unit: celsius 摄氏度 摄氏 | fahrenheit 华氏度 华氏
unit: euro eur 欧元 欧 | dollar usd 美元 美金 刀 | rmb yuan cny 人民币 | pounds_sterling gbp 英镑 | yen jpy 日元 | franc chf 瑞士法郎 | hkd 港币 港元
scope!: only solely exclusively merely 只 仅 仅仅 只有 光 只能 | too as_well also 连 也 一并
scope: all every each both everyone everything 所有 全部 全都 每个 任何 全体 整 | some several few certain somebody 有些 某些 部分 有的 其中1 | other another else 其他 其它 另外 别的
scope: except apart_from 除 | including 包括在内
polarity: free free_of_charge for_free no_cost 免费 白送 赠送 附赠 免 | paid charged 付费 收费 有偿
polarity: correct 正确 | wrong incorrect wrongly incorrectly 错误 写错 填错
polarity: success successful succeed successfully | fail failed failure unsuccessful 失败
polarity: optional voluntary 可选 自愿 | mandatory compulsory obligatory required require need needed must have_to need_to 必须 必需 需要 须 强制 1定要 得先
polarity: allowed permitted allow permit 允许 | forbidden prohibited banned forbid 禁止 不准 严禁
polarity: safe | dangerous unsafe
polarity: advantage pro_side benefit 优点 好处 | disadvantage drawback 缺点 坏处
polarity: same identical 相同 同1个 | different 不同
polarity: plus | minus
polarity: vegetarian vegan 素食 | meat 荤
polarity: legal 合法 | illegal 非法 违法
polarity: long_haul 长途 | short_haul 短途
"""

_SYNONYMS = """
get_in_touch contact reach 联系
telephone phone_number telephone_number mobile_number 手机号 电话号码 手机号码 电话
email e-mail mail_address 邮件 邮箱 电子邮件
account 账号 账户 帐号 帐户 户头
password passcode 密码
parcel package delivery_item 包裹 快递 物流 邮包
coupon voucher promo_code discount_code voucher_code coupon_code 优惠券 优惠码 折扣码 券
discount 折扣 优惠
shipping_cost delivery_fee postage freight 运费 邮费 快递费
delivery shipping deliver delivered
invoice bill receipt 发票
instalment installment in_parts 分期
warranty guarantee 保修 质保 保修期 质保期
membership member 会员
address 地址
help assist support_me 帮助
customer_service agent human real_person support_team 客服 人工
pay payment paying 支付 付款 付
fee charge cost price 费用 手续费 价格 价钱
app application software program 应用 软件 程序
internet wifi wi-fi network web_connection broadband 网络 宽带 上网
photo picture image 照片 图片 相片
product item goods 商品 产品 东西 货
shop store 商店 店铺 店
complaint complain 投诉
work_properly work function working 工作 运行
car vehicle 车
pet dog cat 宠物
hotel 酒店 宾馆 旅馆
handle 办理 办
speak talk chat
bag luggage suitcase baggage 行李
room 房间 客房
ticket 票
reply answer respond response 回复 答复
forget forgot forgotten 忘记 忘了 忘
lose lost missing 丢失 丢了 丢 遗失 弄丢 不见了
broken damaged defective 破损 损坏 坏了 坏 破了
reset recover_password 重置 重设
speed 速度 网速
screen monitor 屏幕 屏
headphones headset earphones 耳机
guide manual_book instruction 说明书 教程
document paper papers file 文件 资料 材料
period term 期限 时长
validity valid 有效期 有效 过期 到期
late delayed 延误 晚点 误点
reward prize 奖励 奖
recommend suggest refer invite 推荐 介绍
compensate compensation 赔偿 赔 补偿
order_number tracking_number 单号 运单号 快递单号 订单号
money funds 钱 款
people person persons 人
bathroom toilet 浴室 卫生间
bring take carry 带 携带
mortgage home_loan 房贷
loan 贷款
seat 座位
plan tariff 套餐
message sms text_message 短信 消息
code 码
balance 余额
points 积分
promotion 促销 活动
enter type typed entered input 输入 填 写
transfer 转账 转
bank 银行
card 卡
order_row 订单
complete finish_up
size 尺寸 尺码
colour color 颜色
set_up configure 设置
choose select pick 选择 选
leave_out omit
name 名字 姓名
join merge combine 合并
split divide 拆分
reservation booking 预订 预约 预定
stock available in_stock availability 有货 现货
problem issue trouble error 问题 故障
slow_down lag
safe suitable 适合
length long_is 长度
explain clarify 解释 说明
stop_working crash 闪退 崩溃
phone_signal signal reception 信号
free_shipping 包邮 免运费 免邮
evaluation rating review 评价 评论
"""

_QUESTIONS = """
when what_time how_soon how_long how_many_days how_many_hours how_many_weeks what_date until_when by_when 多久 多长时间 什么时候 何时 几时 几点 几天 啥时候 哪天 多少天 几号 多少小时 几个工作日 几个小时 | how_much what_does_it_cost what_is_the_price how_expensive 多少钱 什么价 价格是多少 几块钱 多少费用 | how_many what_number_of 多少个 几个 几件 几张 几次 几台 多少人 几人 多少件 多少次 | where which_place 哪里 哪儿 在哪 何处 什么地方 到哪 去哪 | who whom whose 谁 哪位 什么人 | why what_is_the_reason what's_the_reason reason how_come 为什么 为何 为啥 什么原因 怎么回事 凭什么 | how_far 多远 | how_old 多大年纪 几岁 | how_big 多大 | how_heavy 多重
"""

# What a question may have more or less of and stay the same question.
_FILLERS = """
a an the i me my mine we us our you your yours it its this that these those is are am be been being was were
do does did done doing make makes made making to of for with on in at by and or so if then as than about into
from up out please hi hello hey thanks thank ok okay just really actually now currently already yet still
right_now at_the_moment at_all any_more anymore in_advance hi_there could_you can_you is_it_possible possible
will would shall should want wish like have has had having get gets got give there here know tell ask let help
way how what which kind_of what_kind can may could able allowed offer exist exists some any someone something anything
use using used go goes going take takes come comes came does_it work works happen happens when_i dear sir
madam kindly also_please one question i'm i've i'd i'll it's what's there's how's where's time times ca wo via
again where_can difference
的 了 吗 呢 啊 吧 呀 嘛 么 哦 哈 啦 哟 呗 得 地 着 过 儿 我 你 您 我们 你们 他 她 它 这 那 这个 那个 请问 请 麻烦
帮 帮我 帮忙 1下 下 想 想要 我想 打算 问 问1下 咨询 知道 想知道 告诉 告诉我 是 在 把 将 被 遭 给 去 来 就 还 都 里 上 到 会 要
个 件 次 位 你好 您好 谢谢 呃 嗯 那么 然后 现在 目前 已经 已 正在 可以 能 能够 可 行 应该 该 有 老师 亲 时 时候
怎么 如何 怎样 咋 咋办 怎么办 怎么样 怎么做 怎么弄 怎么处理 怎么操作 多少 什么 哪个 哪些 哪种 啥 哪款 哪 几 之 进行
操作 处理 做 弄 用 使用 1直 老是 总是 好 自己 再 法 成 成功 起 下来 起来 进来 上去 不起 从 和 跟 与 对 于 才 刚
"""
FILLERS = frozenset(word.replace("_", " ") for word in _FILLERS.split())

# Words that tell of a failure without a no.
_FAILURES = """
fail failed failure error problem issue trouble broken crash crashed crashes declined rejected blocked missing lost
stuck wrong incorrect bug refused denied damaged impossible closed offline lack lacks difficult unknown expired
without nowhere stop stopped 失败 出错 错误 报错 问题 故障 坏 拒 丢 缺 封 闪退 异常 卡住 过期 错 黑屏 断 少 冻结 关闭 破损 遗失
"""
FAILURES = frozenset(_FAILURES.split())


def _entries() -> Iterator[tuple[str, Member]]:
    number = 0
    blocks = (
        (_OPPOSITES, "polarity"),
        (_ACTIONS, "polarity"),
        (_CLASSES, ""),
        (_QUESTIONS, "question"),
        (_SYNONYMS, "word"),
    )
    for block, reason in blocks:
        for line in block.strip().splitlines():
            head, _, body = line.rpartition(": ")
            alone = head.endswith("!")
            number += 1
            for place, member in enumerate(body.split(" | ")):
                for word in member.split():
                    yield (
                        folded(word).text.replace("_", " "),
                        Member(head.rstrip("!") or reason, number, place, alone, block is _ACTIONS),
                    )


def _table() -> dict[str, Member]:
    table: dict[str, Member] = {}
    for word, member in _entries():
        table.setdefault(word, member)
    return table


MEMBERS = _table()
LONGEST_HAN = max(len(word) for word in MEMBERS if re.fullmatch("[^a-z ]+", word))
LONGEST_PHRASE = max(word.count(" ") + 1 for word in MEMBERS)
