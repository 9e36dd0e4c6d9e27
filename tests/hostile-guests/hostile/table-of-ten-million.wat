;; Begins with a table of ten million.
;; expect: load
;; declarations
(table 10000000 funcref)
