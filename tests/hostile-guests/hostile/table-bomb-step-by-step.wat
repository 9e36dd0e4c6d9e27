;; Wants a thousand places again and again.
;; expect: run Resource table elements
;; declarations
(table $t 0 funcref)
;; body
(loop $again (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $again)) (i32.const 1024)
