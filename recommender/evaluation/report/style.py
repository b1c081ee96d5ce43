"""The report's looks, inside the page."""

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1320px;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h2{margin-top:2.5rem}figure{display:inline-block;margin:1rem 2rem 1rem 0;vertical-align:top}
figcaption{font-weight:600;margin-bottom:.3rem}svg{font:12px system-ui,sans-serif;max-width:100%;height:auto}
table.figures{border-collapse:collapse}.figures td,.figures th{padding:.25rem .8rem;text-align:right;border-bottom:1px solid #ddd}
.figures th:first-child{text-align:left}small{color:#777}
.row{border-spacing:6px}.row th{width:8rem;font-weight:400;text-align:left}.row td{font-size:12px;vertical-align:top;text-align:center}
.row img{width:96px;height:96px;object-fit:contain;background:#f4f4f4;border:3px solid transparent}
.row .query img{border-color:#1b1b1b}.row .other img{border-color:#b3261e}
"""
