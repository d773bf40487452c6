"""How carriers' feeds say our words: code, text, and the form of their tracking numbers."""

from typing import Final

from domain.status import ShipmentStatus

RAW: Final = {
    "dhl": {
        ShipmentStatus.LABEL_CREATED: ("PRE", "The shipment data was transmitted electronically."),
        ShipmentStatus.PICKED_UP: ("PU", "The shipment was picked up by DHL."),
        ShipmentStatus.IN_TRANSIT: ("AF", "The shipment arrived at the parcel centre."),
        ShipmentStatus.OUT_FOR_DELIVERY: ("WC", "The shipment was loaded onto the delivery vehicle."),
        ShipmentStatus.DELIVERY_ATTEMPTED: ("NH", "The recipient was not at home."),
        ShipmentStatus.READY_FOR_PICKUP: ("LA", "The shipment is ready for pickup at the parcel shop."),
        ShipmentStatus.DELAYED: ("TD", "The shipment is delayed."),
        ShipmentStatus.EXCEPTION: ("OH", "The shipment is on hold."),
        ShipmentStatus.DELIVERED: ("OK", "The shipment was delivered."),
        ShipmentStatus.RETURNING: ("RT", "The shipment is being returned to the sender."),
        ShipmentStatus.RETURNED: ("RD", "The shipment was returned to the sender."),
        ShipmentStatus.LOST: ("LX", "An enquiry found the shipment to be lost."),
    },
    "dpd": {
        ShipmentStatus.LABEL_CREATED: ("00", "Order information has been transmitted to DPD."),
        ShipmentStatus.PICKED_UP: ("05", "Parcel handed to DPD."),
        ShipmentStatus.IN_TRANSIT: ("10", "At parcel delivery centre."),
        ShipmentStatus.OUT_FOR_DELIVERY: ("03", "Parcel out for delivery."),
        ShipmentStatus.DELIVERY_ATTEMPTED: ("14", "Unfortunately we have not been able to deliver."),
        ShipmentStatus.READY_FOR_PICKUP: ("23P", "Delivered to the DPD pickup point."),
        ShipmentStatus.DELAYED: ("18", "Additional information: delivery delayed."),
        ShipmentStatus.EXCEPTION: ("08", "Warehouse: parcel needs further information."),
        ShipmentStatus.DELIVERED: ("13", "Delivered."),
        ShipmentStatus.RETURNING: ("06", "System return."),
        ShipmentStatus.RETURNED: ("23", "Returned to shipper."),
        ShipmentStatus.LOST: ("99", "Parcel declared lost."),
    },
    "ups": {
        ShipmentStatus.LABEL_CREATED: ("MP", "Shipper created a label, UPS has not received the package yet."),
        ShipmentStatus.PICKED_UP: ("OR", "Origin Scan"),
        ShipmentStatus.IN_TRANSIT: ("AR", "Arrived at Facility"),
        ShipmentStatus.OUT_FOR_DELIVERY: ("OT", "Out For Delivery Today"),
        ShipmentStatus.DELIVERY_ATTEMPTED: ("X1", "The receiver was not available for delivery."),
        ShipmentStatus.READY_FOR_PICKUP: ("2W", "Available for pickup at a UPS Access Point"),
        ShipmentStatus.DELAYED: ("DY", "Severe weather conditions have delayed delivery."),
        ShipmentStatus.EXCEPTION: ("X9", "Your package is pending release from a Government Agency."),
        ShipmentStatus.DELIVERED: ("KB", "DELIVERED"),
        ShipmentStatus.RETURNING: ("RS", "Returning to Sender"),
        ShipmentStatus.RETURNED: ("KR", "The package was returned to the sender."),
        ShipmentStatus.LOST: ("LP", "The package was reported as lost."),
    },
    "usps": {
        ShipmentStatus.LABEL_CREATED: ("GX", "Shipping Label Created, USPS Awaiting Item"),
        ShipmentStatus.PICKED_UP: ("03", "USPS picked up item"),
        ShipmentStatus.IN_TRANSIT: ("10", "Arrived at USPS Regional Facility"),
        ShipmentStatus.OUT_FOR_DELIVERY: ("OF", "Out for Delivery"),
        ShipmentStatus.DELIVERY_ATTEMPTED: ("55", "Notice Left (No Authorized Recipient Available)"),
        ShipmentStatus.READY_FOR_PICKUP: ("14", "Available for Pickup"),
        ShipmentStatus.DELAYED: ("A1", "In Transit to Next Facility, Arriving Late"),
        ShipmentStatus.EXCEPTION: ("56", "Held in Customs"),
        ShipmentStatus.DELIVERED: ("01", "Delivered, Front Door/Porch"),
        ShipmentStatus.RETURNING: ("04", "Return to Sender"),
        ShipmentStatus.RETURNED: ("09", "Delivered, To Original Sender"),
        ShipmentStatus.LOST: ("LS", "Package declared lost"),
    },
}
PREFIXES: Final = {"dhl": "00340434", "dpd": "0998", "ups": "1Z999AA1", "usps": "94001118"}
