"""Exports of shops: the columns are those their programs write, the rows are made up."""

import csv
import io
from collections.abc import Mapping, Sequence

SHOPIFY = """\
Name|Email|Financial Status|Paid at|Fulfillment Status|Fulfilled at|Accepts Marketing|Currency|
Subtotal|Shipping|Taxes|Total|Discount Code|Discount Amount|Shipping Method|Created at|
Lineitem quantity|Lineitem name|Lineitem price|Lineitem compare at price|Lineitem sku|
Lineitem requires shipping|Lineitem taxable|Lineitem fulfillment status|Billing Name|
Billing Street|Billing Address1|Billing Address2|Billing Company|Billing City|Billing Zip|
Billing Province|Billing Country|Billing Phone|Shipping Name|Shipping Street|Shipping Address1|
Shipping Address2|Shipping Company|Shipping City|Shipping Zip|Shipping Province|
Shipping Country|Shipping Phone|Notes|Note Attributes|Cancelled at|Payment Method|
Payment Reference|Refunded Amount|Vendor|Outstanding Balance|Employee|Location|Device ID|Id|
Tags|Risk Level|Source|Lineitem discount|Tax 1 Name|Tax 1 Value|Tax 2 Name|Tax 2 Value|
Tax 3 Name|Tax 3 Value|Tax 4 Name|Tax 4 Value|Tax 5 Name|Tax 5 Value|Phone|Receipt Number|
Duties|Billing Province Name|Shipping Province Name|Payment ID|Payment Terms Name|
Next Payment Due At|Payment References""".replace("\n", "").split("|")
WOOCOMMERCE = """\
Date|Order #|N. Revenue (formatted)|Status|Customer|Customer type|Product(s)|Items sold|
Coupon(s)|Net Sales|Attribution""".replace("\n", "").split("|")
STRIPE = """\
id|Description|Seller Message|Created (UTC)|Amount|Amount Refunded|Currency|Converted Amount|
Converted Amount Refunded|Fee|Tax|Converted Currency|Mode|Status|Statement Descriptor|
Customer ID|Customer Description|Customer Email|Captured|Card ID|Card Last4|Card Brand|
Card Funding|Card Exp Month|Card Exp Year|Card Name|Card Address Line1|Card Address Line2|
Card Address City|Card Address State|Card Address Country|Card Address Zip|Card Issue Country|
Card Fingerprint|Card CVC Status|Card AVS Zip Status|Card AVS Line1 Status|
Card Tokenization Method|Disputed Amount|Dispute Status|Dispute Reason|Dispute Date (UTC)|
Dispute Evidence Due (UTC)|Invoice ID|Payment Source Type|Destination|Transfer|
Interchange Costs|Merchant Service Charge|Transfer Group""".replace("\n", "").split("|")
SQUARE = """\
Date|Time|Time Zone|Gross Sales|Discounts|Service Charges|Net Sales|Gift Card Sales|Tax|Tip|
Partial Refunds|Total Collected|Source|Card|Card Entry Methods|Cash|Square Gift Card|
Other Tender|Other Tender Type|Tender Note|Fees|Net Total|Transaction ID|Payment ID|Card Brand|
PAN Suffix|Device Name|Staff Name|Staff ID|Details|Description|Event Type|Location|
Dining Option|Customer ID|Customer Name|Customer Reference ID|Device Nickname|Third Party Fees|
Deposit ID|Deposit Date|Deposit Details|Fee Percentage Rate|Fee Fixed Rate|Refund Reason|
Discount Name|Transaction Status|Cash App|Order Reference ID|Fulfillment Note|
Free Processing Applied|Channel|Unattributed Tips|Table Info|International Fee""".replace(
    "\n", ""
).split("|")
QUICKBOOKS = """\
|Transaction date|Transaction type|Num|Product/Service full name|Memo/Description|Quantity|
Sales price|Amount|Balance""".replace("\n", "").split("|")


def written(columns: Sequence[str], rows: Sequence[Mapping[str, str]], before: str = "") -> str:
    """A CSV with all of these columns, of which each row fills some."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return before + text.getvalue()


def shopify(name: str, subtotal: str, **cells: str) -> dict[str, str]:
    """An order's first line; further cells by their columns, `_` for a blank."""
    return {
        "Name": name,
        "Financial Status": "paid",
        "Currency": "USD",
        "Subtotal": subtotal,
        "Total": subtotal,
        "Created at": "2026-11-02 09:13:55 +0200",
        "Lineitem name": "Cement, 50 kg",
        **_named(cells),
    }


def woocommerce(number: str, net: str, **cells: str) -> dict[str, str]:
    """An order, or with a net amount below 0 a refund."""
    return {
        "Date": "2026-11-02 09:14",
        "Order #": number,
        "N. Revenue (formatted)": f"${net}",
        "Status": "completed",
        "Customer": "Farai Gumbo",
        "Items sold": "1",
        "Net Sales": net,
        **_named(cells),
    }


def stripe(charge: str, amount: str, **cells: str) -> dict[str, str]:
    """A payment."""
    return {
        "id": charge,
        "Created (UTC)": "2026-11-02 07:14:02",
        "Amount": amount,
        "Amount Refunded": "0.00",
        "Currency": "usd",
        "Mode": "Live",
        "Status": "Paid",
        "Captured": "true",
        **_named(cells),
    }


def square(transaction: str, net: str, **cells: str) -> dict[str, str]:
    """A payment, or with `Event_Type` a refund."""
    return {
        "Date": "2026-11-02",
        "Time": "09:14:02",
        "Time Zone": "Harare, Pretoria",
        "Gross Sales": net,
        "Net Sales": net,
        "Transaction ID": transaction,
        "Event Type": "Payment",
        "Transaction Status": "Complete",
        **_named(cells),
    }


QUICKBOOKS_TITLES = "Chitungwiza Tiles,,,,,,,,,\nSales by Customer Detail,,,,,,,,,\n"
QUICKBOOKS_TITLES += '"November 1-30, 2026",,,,,,,,,\n,,,,,,,,,\n'


def quickbooks(kind: str, number: str, amount: str, **cells: str) -> dict[str, str]:
    """A line of a document."""
    return {
        "Transaction date": "13/11/2026",
        "Transaction type": kind,
        "Num": number,
        "Product/Service full name": "Tiles",
        "Amount": amount,
        **_named(cells),
    }


def _named(cells: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", " "): cell for name, cell in cells.items()}
