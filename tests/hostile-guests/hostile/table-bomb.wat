;; Wants a table of 100,001.
;; expect: run Resource table elements
;; declarations
(table $t 0 funcref)
;; body
(drop (table.grow $t (ref.null func) (i32.const 100001)))(call $drop (local.get 0)) (i32.const 1024)
