;; Memory that threads share.
;; expect: load
;; declarations
(memory $m 1 2 shared)
