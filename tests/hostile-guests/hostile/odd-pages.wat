;; Pages of one byte.
;; expect: load
;; declarations
(memory $m 1 (pagesize 1))
