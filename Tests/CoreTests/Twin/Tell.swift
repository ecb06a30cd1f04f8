import Core
import Testing
@Suite struct Tell {
 @Test func tell() {
  for (name, script) in scripts {
   let (a, b) = (Twin(), CoreVenue()); var p = MarketScript(a), q = MarketScript(b)
 let one = p.told(script); print("== \(name)\n\(one)"); let two = q.told(script); if one != two { print("!! CORE \(name)\n\(two)") }
  if let f = b.fault() { print("!! \(f)") } }
 }
}
let scripts: [(String,String)] = [
("price-time priority: the best price first, within it whoever came first; the price is the maker's", """
7 S 2 @ 101 id=a
7 S 3 @ 100 id=b
8 S 4 @ 100 id=c
7 S 1 @ 102 id=d
book
9 B 6 @ 101 id=x
book
9 B 2 @ 101 id=y
ord 9 x
pos 9
bal 9
trades 9 x
"""),
("limit: what is left rests, a better price gives back at once", """
7 S 2 @ 99 id=a
8 B 5 @ 101 id=b
book
bal 8
ord 8 b
8 CXL b
bal 8
"""),
("market: takes what is there, never rests, leaves an empty book alone", """
7 B 3 @ mkt id=e
ord 7 e
7 S 2 @ 100 id=a
7 S 2 @ 103 id=b
8 B 5 @ mkt id=m
ord 8 m
bal 8
8 S 1 @ mkt id=n
9 B 2 @ 90 id=c
8 S 1 @ mkt id=o
book
bal 8
"""),
("market buy: holds what the book asks, others' only, and no more than it has", """
wdr 8 USD 99700
7 S 2 @ 100 id=a
7 S 2 @ 120 id=b
8 B 3 @ mkt id=x
dep 8 USD 20
8 B 3 @ mkt id=x
bal 8
"""),
("market buy by max: spends no more, fees included, in whole lots", """
fees 0 100
7 S 5 @ 100 id=a
7 S 5 @ 110 id=b
8 B 10 @ mkt max=250 id=x
ord 8 x
bal 8
8 B 10 @ mkt max=303 id=y
bal 8
8 B 10 @ mkt max=100 id=z
8 B 2 @ mkt max=222.2 id=v
on LOT5
7 S 20 @ 10 id=c
8 B 20 @ mkt max=171.7 id=w
ord 8 w
book
"""),
("IOC: takes what it can, the rest goes", """
7 S 2 @ 100 id=a
7 S 2 @ 105 id=b
8 B 5 @ 102 ioc id=x
ord 8 x
book
8 B 5 @ 102 ioc id=y
bal 8
"""),
("FOK: all at once or nothing", """
7 S 2 @ 100 id=a
6 S 2 @ 101 id=b
8 B 5 @ 102 fok id=x
8 B 4 @ 100 fok id=x
8 B 4 @ 101 fok id=x
book
7 S 3 @ 100 display=1 id=c
8 B 3 @ 100 fok id=y
8 B 1 @ mkt fok id=z
"""),
("FOK: own orders stop the count, reduce-only ones and the second leg of a pair do not count", """
7 S 2 @ 100 id=a
8 S 2 @ 101 id=own
7 S 2 @ 102 id=b
8 B 2 @ 101 fok id=x1
7 S 2 @ 100 id=a2
8 B 3 @ 102 fok id=x2
8 B 3 @ 102 fok stp=oldest id=x3
book
9 B 1 @ 50 id=r0
7 S 1 @ 50 id=r1
9 S 1 @ 90 reduce id=red
8 B 2 @ 102 fok id=x4
8 B 1 @ 102 fok id=x5
7 CXA
9 CXA
7 S 3 @ 100 id=leg1
7 S 3 @ 101 oco=leg1 id=leg2
8 B 4 @ 101 fok id=x6
8 B 3 @ 101 fok id=x7
book
"""),
("FOK with max: the cost of whole levels with fees must be within it", """
fees 0 100
7 S 2 @ 100 id=a
7 S 2 @ 110 id=b
8 B 3 @ mkt fok max=313 id=x
8 B 3 @ mkt fok max=313.1 id=x
ord 8 x
bal 8
"""),
("post: rests at the touch, is refused where it would take", """
7 S 2 @ 101 id=a
8 B 1 @ 101 post id=x
8 B 1 @ 100 post id=x
7 B 1 @ 101 post id=y
8 RPL x 1 @ 101
8 RPL x 2 @ 99
book
8 B 1 @ 100 post ioc id=z
8 B 1 @ mkt post id=z
"""),
("iceberg: a slice at a time, each new one at the back", """
7 S 10 @ 100 display=3 id=ice
6 S 2 @ 100 id=b
book
8 B 2 @ 100 id=x1
book
8 B 2 @ 100 id=x2
book
8 B 8 @ 100 id=x3
book
8 B 9 @ 100 display=4 id=x4
book
8 B 1 @ 100 display=1 id=bad
8 B 2 @ 100 display=2 id=bad
8 B 5 @ 100 display=2 fok id=bad
"""),
("iceberg: replace up and down", """
7 S 10 @ 100 display=3 id=ice
6 S 2 @ 100 id=b
8 B 1 @ 100 id=x1
7 RPL ice 8 @ 100
book
7 RPL ice 2 @ 100
book
7 RPL ice 9 @ 100
book
7 RPL ice 9 @ 101
book
"""),
("replace: down keeps the place, up and another price lose it", """
7 B 5 @ 100 id=a
6 B 5 @ 100 id=b
7 RPL a 3 @ 100
book
7 RPL a 4 @ 100
book
6 RPL b 5 @ 99
6 RPL b 5 @ 100
book
8 S 1 @ 100 id=x
7 RPL a 4 @ 100
7 RPL a 2 @ 100
ord 7 a
6 RPL b 1 @ 100
6 RPL b 0 @ 100
6 RPL b 1 @ 101
9 S 1 @ 100 id=y
ord 6 b
"""),
("replace: a new price that crosses takes, down to what is filled fills", """
7 S 3 @ 105 id=a
8 B 5 @ 100 id=b
8 RPL b 5 @ 106
book
bal 8
ord 8 b
8 RPL b 2 @ 106
8 RPL b 3 @ 106
ord 8 b
book
8 RPL b 4 @ 106
8 RPL b 3 @ 106
bal 8
"""),
("fees: maker and taker, cut off, rebates, exact to the last of 18 decimals", """
on FINE
fees -2.5 7.51
lim 9 taker=3
lim 9 all maker=1 taker=9
7 S 0.00000003 @ 0.0007 id=a
8 B 0.00000003 @ 0.0007 id=x
trades 7 a
trades 8 x
bal 7
bal 8
9 B 1.5 @ 64000.1234 id=b
bal 9
7 S 0.33333333 @ 64000 id=c
trades 9 b
trades 7 c
9 RPL b 1 @ 64000.1234
bal 9
9 CXL b
bal 9
9 S 0.1 @ 5 id=d
7 B 0.1 @ 5 id=e
pos 7
pos 9
"""),
("fees: an order keeps the rates of the moment it was accepted", """
fees 1 2
7 S 1 @ 1000 id=a
fees 10 20
8 B 1 @ 1000 id=x
7 S 1 @ 1000 id=b
fees 0 0
7 RPL b 2 @ 1000
8 B 1 @ 1000 id=y
"""),
("expiry: rests until its time", """
7 B 1 @ 100 gtd=10 id=a
7 B 1 @ 99 gtd=0 id=b
wait 9
book
wait 1
book
ord 7 a
"""),
("stp: the four ways", """
8 S 2 @ 100 id=o1
7 S 2 @ 100 id=own
8 S 2 @ 100 id=o2
7 B 5 @ 100 id=n
ord 7 n
book
8 S 2 @ 99 id=o3
7 B 6 @ 100 stp=oldest id=o
book
7 CXA
8 CXA
7 S 2 @ 100 id=p
8 S 1 @ 100 id=o4
7 B 3 @ 100 stp=both id=b
book
8 CXA
7 S 2 @ 100 id=q
8 S 1 @ 100 id=o5
7 B 4 @ 100 stp=decrement id=d1
ord 7 d1
ord 7 q
book
7 S 3 @ 101 display=1 id=d2
7 RPL d1 3 @ 99
7 B 2 @ 101 stp=decrement id=d3
book
7 B 1 @ 101 stp=decrement id=d4
book
7 CXA
7 S 2 @ 101 id=d5
7 B 2 @ mkt stp=decrement id=d6
bal 7
"""),
("stp: of the order, else of the account on the instrument, else of the account, else newest", """
7 S 1 @ 100 id=a
lim 7 all stp=oldest
7 B 1 @ 99 id=b
7 S 1 @ 99 id=c
book
lim 7 stp=both
7 B 1 @ 99 id=d
7 S 1 @ 98 id=e
7 B 1 @ 101 stp=newest id=f
book
"""),
("reduce-only: not without a position, not for more than it, never past flat", """
7 S 1 @ 100 reduce id=a
7 B 5 @ 100 id=b
8 S 5 @ 100 id=c
7 B 1 @ 100 reduce id=d
7 S 6 @ 100 reduce id=e
7 S 5 @ 105 reduce id=f
7 S 4 @ 104 reduce id=g
7 RPL f 6 @ 105
9 B 2 @ 110 id=h
pos 7
8 B 5 @ 105 id=i
pos 7
book
9 B 2 @ 106 id=j
book
7 CLS
"""),
("reduce-only: what it may no longer do is cancelled when its turn comes", """
7 B 3 @ 100 id=b
8 S 3 @ 100 id=c
7 S 3 @ 105 reduce id=f
7 S 3 @ 103 id=g
9 B 3 @ 103 id=h
pos 7
book
9 S 1 @ 106 id=i
8 B 1 @ 106 id=j
book
"""),
("reduce-only: a flip by others' ways is not its own", """
7 B 2 @ 100 id=b
8 S 2 @ 100 id=c
7 S 2 @ 90 stop=95 reduce id=s
7 S 4 @ 99 id=g
8 B 4 @ 99 id=h
pos 7
8 B 5 @ 94 id=i
9 S 1 @ 94 id=k
ord 7 s
pos 7
"""),
("stops: buy at or above, sale at or below, by last; refused where it would trigger at once", """
7 B 1 @ 106 stop=105 id=early
8 S 5 @ 100 id=a
9 B 1 @ 100 id=t
7 B 1 @ 106 stop=100 id=b
7 B 1 @ 106 stop=101 id=b
7 S 1 @ 94 stop=100 id=c
7 S 1 @ 94 stop=99 id=c
7 B 1 @ 99 stop=100 take id=d
7 B 1 @ 99 stop=99 take id=d
7 S 1 @ 102 stop=100 take id=e
7 S 1 @ 102 stop=101 take id=e
bal 7
8 S 1 @ 105 id=u
9 B 5 @ 105 id=v
book
ord 7 early
"""),
("stop cascade: rising lowest first, falling highest first, one price in the order of arming", """
6 S 9 @ 100 id=m1
6 S 1 @ 101 id=m2
6 S 1 @ 102 id=m3
6 S 5 @ 103 id=m4
9 B 1 @ 100 id=t
7 B 1 @ 110 stop=102 id=s2
8 B 2 @ 110 stop=101 id=s1a
7 B 1 @ 110 stop=101 id=s1b
8 B 1 @ 110 stop=103 id=s3
9 B 9 @ 101 id=x
book
"""),
("stop cascade: each trades before the next is looked at, and both directions are", """
6 B 1 @ 99 id=b1
6 B 1 @ 98 id=b2
6 B 5 @ 97 id=b3
6 S 5 @ 101 id=a1
9 B 1 @ 101 id=t
7 S 1 @ mkt stop=99 id=s1
7 S 2 @ mkt stop=98 id=s2
8 B 1 @ mkt stop=97 take id=p1
8 B 1 @ 101 stop=102 id=never
9 S 1 @ 99 id=x
book
ord 8 never
"""),
("triggers by mark: only a mark that changes, or a trade after it", """
7 B 1 @ 120 stop=105 mark id=a
8 S 1 @ 110 id=b
mark 104
7 B 1 @ 120 stop=104 mark id=c
7 B 1 @ 120 stop=108 mark id=c
mark 105
mark 105
state halted
mark 109
state trading
mark 109
8 S 1 @ 111 id=d
6 S 1 @ 100 id=e
9 B 1 @ 100 id=f
"""),
("triggered: IOC, FOK, market without max, market with max", """
mark 100
fees 0 10
7 B 2 @ 105 ioc stop=101 mark id=i
7 B 2 @ 105 fok stop=102 mark id=f
7 B 2 @ mkt stop=103 mark id=m
7 B 2 @ mkt max=150 stop=104 mark id=n
bal 7
8 S 1 @ 105 id=a
mark 101
8 S 1 @ 105 id=b
mark 102
8 S 2 @ 104 id=c
mark 103
ord 7 m
8 S 2 @ 90 id=d
mark 104
ord 7 n
bal 7
"""),
("armed: replace moves the stop and the place, or keeps both", """
mark 100
7 B 1 @ 105 stop=103 mark id=a
8 B 1 @ 105 stop=103 mark id=b
7 RPL a 2 @ 106
7 RPL a 2 @ 106 stop=103
7 RPL a 2 @ 106 stop=100
7 RPL a 2 @ 106 stop=104
7 RPL a 2 @ 106 stop=103
6 S 9 @ 105 id=s
mark 103
6 RPL s 9 @ 105 stop=5
7 B 1 @ mkt stop=110 mark id=m
bal 7
7 RPL m 2 mkt stop=120
bal 7
7 RPL m 2 mkt max=7
bal 7
7 CXL m
bal 7
"""),
("armed: expires, is cancelled and suspended like any other", """
7 B 2 @ 105 stop=104 gtd=3 id=a
8 B 2 @ mkt stop=104 id=b
9 S 2 @ 95 stop=96 id=c
bal 7
wait 3
bal 7
8 CXL b
bal 8
suspend 9
bal 9
6 S 1 @ 104 id=d
5 B 1 @ 104 id=e
"""),
("triggered iceberg: shows its slices where it comes to rest", """
8 S 1 @ 100 id=a
7 B 9 @ 99 display=2 stop=100 id=ice
9 B 1 @ 100 id=t
book
6 S 3 @ 99 id=u
book
"""),
("market order: its own account's orders are passed over or prevent it", """
7 S 1 @ 100 id=own
8 S 2 @ 101 id=a
7 B 2 @ mkt id=m1
7 B 2 @ mkt stp=oldest id=m2
bal 7
"""),
("triggered FOK, reduce-only: nothing of it where the position is smaller", """
7 B 3 @ 100 id=a
8 S 3 @ 100 id=b
7 S 3 @ 90 fok stop=95 reduce id=f
7 S 1 @ 99 id=c
9 B 1 @ 99 id=d
8 B 5 @ 95 id=e
9 S 1 @ 95 id=g
pos 7
ord 7 f
"""),
("oco: both legs hold what the dearer one holds; a trade of one cancels the other before", """
7 B 2 @ 95 id=low
bal 7
7 B 2 @ 106 stop=105 oco=low id=high
bal 7
ord 7 low
ord 7 high
8 S 1 @ 95 id=x
bal 7
ord 7 low
7 B 2 @ 90 oco=low id=no
7 B 2 @ 90 id=p
7 B 2 @ 80 oco=p id=q
bal 7
ord 7 q
7 CXL p
ord 7 q
bal 7
"""),
("oco: a trigger cancels the other before", """
8 S 5 @ 100 id=a
9 B 1 @ 100 id=t
7 B 1 @ 95 id=p
7 B 1 @ mkt stop=101 oco=p id=q
bal 7
8 S 1 @ 101 id=b
9 B 5 @ 101 id=u
ord 7 p
ord 7 q
bal 7
"""),
("oco: an armed market buy that came first goes", """
mark 100
7 B 1 @ mkt stop=101 mark id=p
7 B 1 @ 95 oco=p id=q
bal 7
7 CXL p
bal 7
7 CXL q
bal 7
"""),
("oco: the leg that comes second takes at once", """
8 S 1 @ 100 id=a
7 B 2 @ 95 id=p
7 B 2 @ 100 oco=p id=q
ord 7 p
ord 7 q
book
"""),
("oco: cancel, expiry, CXA, suspend", """
7 B 2 @ 95 gtd=5 id=p
7 B 2 @ 94 oco=p id=q
wait 5
7 B 2 @ 95 id=r
7 B 2 @ 94 oco=r id=s
7 CXL s
ord 7 r
7 B 2 @ 95 id=t
7 B 2 @ 94 oco=t id=u
7 B 2 @ 93 id=v
7 CXA
7 B 2 @ 95 id=w
7 B 2 @ 94 oco=w id=x
suspend 7
bal 7
"""),
("oco: what cannot be a leg", """
7 B 2 @ 95 id=p
7 S 2 @ 105 oco=p id=a
7 B 3 @ 94 oco=p id=b
8 B 2 @ 94 oco=p id=c
7 B 2 @ 94 oco=q id=q
7 B 2 @ 94 ioc oco=p id=d
7 B 2 @ mkt oco=p id=e
7 B 2 @ 94 oco=p id=f
7 B 2 @ 93 oco=p id=g
7 RPL p 1 @ 95
7 RPL p 2 @ 95
7 CXL f
7 B 2 @ 93 oco=p id=h
"""),
("oco and stp: decrement and cancel of a leg take the other with them", """
7 B 2 @ 95 id=p
7 B 2 @ 94 oco=p id=q
7 S 1 @ 95 stp=decrement id=x
book
7 B 1 @ 94 oco=p id=r
7 B 1 @ 93 id=p2
7 B 1 @ 92 oco=p2 id=q2
7 S 1 @ 92 stp=oldest id=y
book
"""),
("states: halted, cancel_only, post_only", """
7 B 2 @ 100 id=a
7 S 2 @ 110 id=b
state halted
7 B 1 @ 99 id=c
7 RPL a 1 @ 100
7 CLS
7 CXL b
state cancel_only
7 B 1 @ 99 id=c
7 RPL a 3 @ 100
7 RPL a 1 @ 99
7 RPL a 1 @ 100
state post_only
8 S 1 @ 100 id=d
8 S 1 @ 101 id=d
8 S 1 @ mkt id=e
8 S 1 @ 101 ioc id=e
8 S 1 @ 101 fok id=e
8 RPL d 1 @ 100
8 RPL d 1 @ 102
8 B 1 @ 120 stop=110 mark id=f
mark 111
state trading
8 S 1 @ 100 id=g
"""),
("suspended: everything goes, nothing is taken", """
7 B 2 @ 100 id=a
7 B 2 @ 120 stop=110 id=b
suspend 7
7 B 1 @ 99 id=c
book
resume 7
7 B 1 @ 99 id=c
book
"""),
("funds none: nothing is held, realized PnL and fees in quote", """
on PERP
fees 1 2
7 B 2 @ 100 id=a
bal 7
8 S 2 @ 100 id=b
pos 7
pos 8
bal 7
bal 8
9 B 2 @ 110 id=c
7 CLS @ 110
pos 7
bal 7
7 S 1 @ 200 id=d
bal 7
"""),
("close position: at the market and at a limit", """
7 B 3 @ 100 id=a
8 S 3 @ 100 id=b
7 CLS 4
9 B 2 @ 99 id=c
7 CLS
pos 7
7 CLS @ 101
book
8 CLS
"""),
("overflow: the side that does not fit is cancelled, matching goes on", """
on PERP
dep 7 USD 1
7 B 900000000000000 @ 1 id=a
6 B 900000000000000 @ 1 id=a6
8 S 900000000000000 @ 1 id=b
7 B 900000000000000 @ 1 id=c
8 S 900000000000000 @ 1 id=d
9 S 900000000000000 @ 1 id=e
book
"""),
("oco: two sales hold their base once, with fees the dearer purchase counts", """
fees 10 20
7 S 3 @ 110 id=p
7 S 3 @ 90 stop=95 oco=p id=q
bal 7
7 CXL q
bal 7
7 B 3 @ 95 id=r
7 B 3 @ mkt stop=110 oco=r id=s
bal 7
ord 7 s
8 S 1 @ 95 id=t
bal 7
"""),
("a triggered leg may be a first leg again, and holds all it needs", """
mark 100
7 B 2 @ 95 id=p
7 B 2 @ 90 stop=101 mark oco=p id=q
mark 101
7 B 2 @ 94 oco=q id=r
bal 7
ord 7 q
ord 7 r
"""),
]
